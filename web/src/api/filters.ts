import type { Prediction, PredictionsListData, State } from "@/api/generated/types.gen";

/** Which predictions are wanted: of each field any value named, all where none is. */
export type PredictionFilter = Omit<NonNullable<PredictionsListData["query"]>, "cursor" | "limit">;

const TERMINAL: readonly State[] = ["succeeded", "failed", "canceled"];

/** Whether a prediction will not change any more. */
export function isTerminal({ state }: Pick<Prediction, "state">): boolean {
  return TERMINAL.includes(state);
}

/** Whether a prediction is one of those that a filter wants, as the server judges it. */
export function matches(filter: PredictionFilter, prediction: Prediction): boolean {
  const { state, model, label, batch, created_after, created_before } = filter;
  const { name, version } = prediction.model;
  const created = Date.parse(prediction.created_at);
  return (
    isOneOf(state, [prediction.state]) &&
    isOneOf(model, [name, `${name}@${version}`]) &&
    isOneOf(batch, prediction.batch === null ? [] : [prediction.batch]) &&
    isOneOf(label, labelsOf(prediction)) &&
    (!created_after || created > Date.parse(created_after)) &&
    (!created_before || created < Date.parse(created_before))
  );
}

/** The labels that were found. */
function labelsOf({ result }: Prediction): string[] {
  switch (result?.kind) {
    case "detections":
      return result.detections.map(({ label }) => label);
    case "classification":
      return result.classes.map(({ label }) => label);
    default:
      return [];
  }
}

function isOneOf<T>(wanted: readonly T[] | undefined, present: readonly T[]): boolean {
  return !wanted?.length || present.some((value) => wanted.includes(value));
}
