import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";
import { cardOf, defaultScore, modelsOptions, referenceOf } from "@/api/models";
import { useFormat } from "@/lib/format/use-format";
import { useLanguage } from "@/lib/i18n/use-language";
import { labelLanguage, labelNames } from "@/lib/labels/labels";
import { counted } from "../lib/counted";

/** What a prediction has found, in a few words. */
export function useSummary(prediction: Prediction): string {
  const { t } = useTranslation("history");
  const format = useFormat();
  const [language] = useLanguage();
  const { data: models } = useQuery(modelsOptions);
  const { result } = prediction;
  switch (result?.kind) {
    case "detections": {
      const card = cardOf(models?.items, referenceOf(prediction.model));
      const names = labelNames(card, labelLanguage(card, [language]));
      const score = defaultScore(card);
      const found = counted(result.detections.filter((one) => one.score >= score));
      return found.length === 0
        ? t(($) => $.summary.nothing)
        : found
            .map(([label, count]) =>
              count > 1
                ? `${format.number(count)} × ${names.get(label) ?? label}`
                : (names.get(label) ?? label),
            )
            .join(", ");
    }
    case "classification": {
      const [best] = result.classes;
      return best ? `${best.label} ${format.percent(best.score)}` : t(($) => $.summary.nothing);
    }
    case "json":
      return "JSON";
    case undefined:
      return "";
  }
}
