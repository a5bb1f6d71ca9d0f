import { useTranslation } from "react-i18next";

/** The text of a problem's code in the reader's language; a code that this page is too old to know is a general one. */
export function useProblemText(): (code: string) => string {
  const { t, i18n } = useTranslation("errors");
  return (code) => {
    const known = (
      i18n.exists(code, { ns: "errors" }) ? code : "internal_error"
    ) as "internal_error";
    return t(($) => $[known]);
  };
}
