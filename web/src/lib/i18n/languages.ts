/** The languages that the page speaks; each name is written in its own language. */
export const LANGUAGES = { en: "English", vi: "Tiếng Việt" } as const;

export type Language = keyof typeof LANGUAGES;

const STORED = "inferq.language";

/** Whether a text names a language that the page speaks. */
export function isLanguage(text: string | null): text is Language {
  return text !== null && text in LANGUAGES;
}

/** The first language of a reader's list that the page speaks; English where it speaks none of them. */
export function bestLanguage(wanted: readonly string[]): Language {
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find(isLanguage);
  return known ?? "en";
}

/** What the reader chose before, or else what the browser is set to. */
export function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  return isLanguage(stored) ? stored : bestLanguage(navigator.languages);
}

/** Has the page open in this language from now on. */
export function rememberLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
}
