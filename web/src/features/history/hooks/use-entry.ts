import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";
import { useSummary } from "./use-summary";

/** A prediction of the history, as a card or as a row. */
export interface EntryProps {
  prediction: Prediction;
  /** The filters of the page, which the prediction's own page leads back to. */
  search: string;
  selected: boolean;
  onSelect: (taskId: string) => void;
}

/** What every entry says of its prediction, and where it leads. */
export function useEntry({ prediction, search }: EntryProps) {
  const { t } = useTranslation("history");
  const { t: tc } = useTranslation();
  const name = prediction.input.filename ?? tc(($) => $.picture.unnamed);
  return {
    name,
    summary: useSummary(prediction),
    path: `/predictions/${prediction.task_id}?${search}`,
    selectLabel: t(($) => $.select, { name }),
  };
}
