import type { Prediction } from "@/api/generated/types.gen";
import { classesOf, shownOf } from "./detections";

/** Formats in which one picture's boxes are taken home. */
export const BOX_FORMATS = { coco: "COCO", yolo: "YOLO", voc: "Pascal VOC", csv: "CSV" } as const;

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
export function exportPath(
  prediction: Prediction,
  format: keyof typeof BOX_FORMATS,
  score: number,
  hidden: readonly string[],
): string {
  const query = new URLSearchParams({
    format,
    task_id: prediction.task_id,
    score_threshold: String(score),
  });
  if (prediction.result?.kind === "detections") {
    for (const label of classesOf(prediction.result.detections, hidden)) {
      query.append("classes", label);
    }
  }
  return `/api/v1/predictions/export?${query}`;
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
