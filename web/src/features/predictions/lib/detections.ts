import type { Detection, Prediction } from "@/api/generated/types.gen";
import type { ShownDetection } from "./labels";

/** What a prediction found at or above a score, best first; nothing where it found none or is not done. */
export function detectionsFrom(prediction: Prediction | undefined, threshold: number): Detection[] {
  if (prediction?.result?.kind !== "detections") {
    return [];
  }
  return prediction.result.detections.filter((detection) => detection.score >= threshold);
}

/** A detection in words: what it is called and its score. */
export function caption(detection: ShownDetection): string {
  return `${detection.name} ${detection.score.toFixed(2)}`;
}
