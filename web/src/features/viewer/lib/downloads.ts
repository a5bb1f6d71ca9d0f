import { exportPath, type Format } from "@/api/exports";
import type { Prediction } from "@/api/generated/types.gen";
import { classesOf, shownOf } from "./detections";

/** The path of the picture with the boxes that are on the screen. */
export function annotatedPath(
  prediction: Prediction,
  { score, hidden, language }: { score: number; hidden: readonly string[]; language: string },
): string | null {
  const { links, result } = prediction;
  if (!links?.annotated || result?.kind !== "detections") {
    return null;
  }
  const query = new URLSearchParams({ score_threshold: String(score), lang: language });
  for (const label of classesOf(result.detections, hidden)) {
    query.append("classes", label);
  }
  return `${links.annotated}?${query}`;
}

/** The path of what is on the screen in a format for training. */
export function shownPath(
  { task_id, result }: Prediction,
  format: Format,
  score: number,
  hidden: readonly string[],
): string {
  const classes = result?.kind === "detections" ? classesOf(result.detections, hidden) : [];
  return exportPath(format, { ids: [task_id], score, classes });
}

/** The prediction with what of its result is on the screen. */
export function asShown(
  prediction: Prediction,
  score: number,
  hidden: readonly string[],
): Prediction {
  const { result } = prediction;
  if (result?.kind !== "detections") {
    return prediction;
  }
  const detections = shownOf(result.detections, score, hidden).map(({ detection }) => detection);
  return { ...prediction, result: { ...result, detections } };
}
