import { useLanguage } from "@/lib/i18n/use-language";
import { type Format, formatOf } from "./format";

/** Numbers, times and sizes as the page's language writes them. */
export function useFormat(): Format {
  const [language] = useLanguage();
  return formatOf(language);
}
