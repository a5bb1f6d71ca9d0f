import i18next, { type Resource } from "i18next";
import { initReactI18next } from "react-i18next";
import type { Catalogue } from "@/app/locales/en";
import { firstLanguage, isLanguage, type Language } from "@/lib/i18n/languages";
import { patiently } from "@/lib/lazily";

declare module "i18next" {
  interface CustomTypeOptions {
    enableSelector: true;
    defaultNS: "common";
    resources: Catalogue;
  }
}

interface Texts {
  catalogue: Record<string, object>;
  later: Record<string, () => Promise<object>>;
}

const CATALOGUES: Record<Language, () => Promise<Texts>> = {
  en: () => import("@/app/locales/en"),
  vi: () => import("@/app/locales/vi"),
};

/** Makes the page speak the reader's language; a language's texts are loaded when it is first spoken. */
export async function startI18n(): Promise<void> {
  const language = firstLanguage();
  const { catalogue } = await CATALOGUES[language]();
  i18next.on("languageChanged", (spoken) => {
    document.documentElement.lang = spoken;
  });
  await i18next
    .use(initReactI18next)
    .use({ type: "backend", init: () => {}, read: readNamespace })
    .init({
      lng: language,
      fallbackLng: false,
      defaultNS: "common",
      ns: Object.keys(catalogue),
      resources: { [language]: catalogue } as Resource,
      partialBundledLanguages: true,
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    });
}

function readNamespace(
  language: string,
  namespace: string,
  done: (error: Error | null, texts: object | null) => void,
): void {
  if (!isLanguage(language)) {
    done(new Error(`There is no language ${language}.`), null);
    return;
  }
  textsOf(language, namespace).then(
    (texts) => done(null, texts),
    (error: Error) => done(error, null),
  );
}

async function textsOf(language: Language, namespace: string): Promise<object> {
  const { catalogue, later } = await patiently(CATALOGUES[language]);
  const load = later[namespace];
  return load ? patiently(load) : (catalogue[namespace] ?? {});
}
