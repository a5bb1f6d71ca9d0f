import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";
import { previewOf } from "@/components/prediction/picture";
import { isShownByBrowsers, sourceFor } from "../lib/fit";
import classes from "./stage.module.css";

interface StagePictureProps {
  prediction: Prediction;
  file: File | undefined;
  /** Pixels of its longer side on the screen. */
  pixels: number;
}

/** The picture itself: the file that was dropped here, or the server's small one and, enlarged, a sharper one on it. */
export function StagePicture({ prediction, file, pixels }: StagePictureProps) {
  const { t } = useTranslation();
  const { input, links } = prediction;
  const local = useObjectUrl(file && isShownByBrowsers(input.media_type) ? file : undefined);
  const [broken, setBroken] = useState(false);
  const small = local ?? previewOf(prediction, 1280);
  const natural = Math.max(input.width ?? 0, input.height ?? 0);
  const source = sourceFor(
    pixels * window.devicePixelRatio,
    natural,
    isShownByBrowsers(input.media_type),
  );
  const sharp = source === "original" ? (links?.image ?? undefined) : previewOf(prediction, source);
  const name = input.filename ?? t(($) => $.picture.unnamed);
  if (broken || !small) {
    return <div className={classes.missing}>{t(($) => $.picture.unavailable)}</div>;
  }
  return (
    <>
      <img
        className={classes.picture}
        src={small}
        alt={name}
        draggable={false}
        onError={() => setBroken(true)}
      />
      {!local && source !== 1280 && (
        <img className={classes.picture} src={sharp} alt="" draggable={false} />
      )}
    </>
  );
}

function useObjectUrl(file: File | undefined): string | undefined {
  const url = useMemo(() => file && URL.createObjectURL(file), [file]);
  useEffect(() => {
    return () => {
      if (url) {
        // Not at once: in development effects end and begin again on the same url.
        setTimeout(() => URL.revokeObjectURL(url), 60_000);
      }
    };
  }, [url]);
  return url;
}
