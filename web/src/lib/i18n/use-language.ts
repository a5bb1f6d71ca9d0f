import { useTranslation } from "react-i18next";
import { isLanguage, type Language, rememberLanguage } from "./languages";

/** The language of the page, and a way to change it. */
export function useLanguage(): [Language, (language: Language) => void] {
  const { i18n } = useTranslation();
  const current = i18n.resolvedLanguage ?? "en";
  return [
    isLanguage(current) ? current : "en",
    (language) => {
      rememberLanguage(language);
      void i18n.changeLanguage(language);
    },
  ];
}
