import i18next, { type Resource } from "i18next";
import { initReactI18next } from "react-i18next";
import type { Catalogue } from "@/app/locales/en";
import { firstLanguage, isLanguage } from "@/lib/i18n/languages";

declare module "i18next" {
  interface CustomTypeOptions {
    enableSelector: true;
    defaultNS: "common";
    resources: Catalogue;
  }
}

const CATALOGUES = {
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
  CATALOGUES[language]().then(
    ({ catalogue }) => done(null, catalogue[namespace as keyof Catalogue]),
    (error: Error) => done(error, null),
  );
}
