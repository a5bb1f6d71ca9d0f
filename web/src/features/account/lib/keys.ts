import type { ApiKey } from "@/api/generated/types.gen";

const SOON_MS = 3 * 24 * 3600 * 1000;
const SHOWN_CHARACTERS = 8;

/** How a key's end is to be looked at. */
export type Expiry = "never" | "later" | "soon" | "past";

export function expiryOf({ expires_at }: Pick<ApiKey, "expires_at">, now: number): Expiry {
  if (expires_at === null) {
    return "never";
  }
  const left = Date.parse(expires_at) - now;
  return left <= 0 ? "past" : left <= SOON_MS ? "soon" : "later";
}

/** How the text of a key begins, to know one by that lies in a settings file. */
export function beginningOf({ key_id }: Pick<ApiKey, "key_id">): string {
  return `iq_${key_id.slice(0, SHOWN_CHARACTERS)}…`;
}
