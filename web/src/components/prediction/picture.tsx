import { VisuallyHidden } from "@mantine/core";
import { IconPhoto } from "@tabler/icons-react";
import { useState } from "react";
import type { Prediction } from "@/api/generated/types.gen";
import classes from "./picture.module.css";

interface PictureProps {
  prediction: Prediction;
  /** Most pixels of the longer side, of what the server offers. */
  maxSide: 320 | 1280 | 2560;
  alt: string;
  fit?: "cover" | "contain";
}

/** The path of a prediction's picture, small and upright. */
export function previewOf(
  { links }: Prediction,
  maxSide: PictureProps["maxSide"],
): string | undefined {
  return links?.preview ? `${links.preview}?max_side=${maxSide}` : undefined;
}

/** A prediction's picture, small and upright; a sign where there is none. */
export function Picture({ prediction, maxSide, alt, fit = "cover" }: PictureProps) {
  const source = previewOf(prediction, maxSide);
  const [broken, setBroken] = useState<string>();
  if (!source || broken === source || prediction.input.kind !== "image") {
    return (
      <span className={classes.missing}>
        <IconPhoto size={24} stroke={1.5} aria-hidden />
        {alt && <VisuallyHidden>{alt}</VisuallyHidden>}
      </span>
    );
  }
  return (
    <img
      className={classes.picture}
      style={{ objectFit: fit }}
      src={source}
      alt={alt}
      loading="lazy"
      decoding="async"
      onError={() => setBroken(source)}
    />
  );
}
