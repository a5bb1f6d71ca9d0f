/** A text as one types it in a hurry: small letters without marks, so that `nguoi` finds `Người`. */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
}
