import { useEffect } from "react";
import type { Prediction } from "@/api/generated/types.gen";
import { previewOf } from "@/components/prediction/picture";

/** Has the browser fetch the pictures that come next, so that they are there when they are asked for. */
export function usePreloaded(predictions: readonly (Prediction | undefined)[]): void {
  const sources = predictions
    .flatMap((prediction) => (prediction ? (previewOf(prediction, 1280) ?? []) : []))
    .join("\n");
  useEffect(() => {
    const images = sources.split("\n").flatMap((source) => {
      if (!source) {
        return [];
      }
      const image = new Image();
      image.src = source;
      return [image];
    });
    return () => {
      for (const image of images) {
        image.src = "";
      }
    };
  }, [sources]);
}
