import { useElementSize } from "@mantine/hooks";
import type { Prediction } from "@/api/generated/types.gen";
import { classColor } from "../lib/colors";
import { caption } from "../lib/detections";
import type { ShownDetection } from "../lib/labels";
import { placeTag } from "../lib/tags";
import classes from "./detection-overlay.module.css";

interface DetectionOverlayProps {
  prediction: Prediction;
  detections: ShownDetection[];
  /** Index of the detection that is pointed at, in the picture or in the table. */
  active: number | null;
  onActive: (index: number | null) => void;
}

/** The picture with a box for each detection; the table beside it says the same to screen readers. */
export function DetectionOverlay({
  prediction,
  detections,
  active,
  onActive,
}: DetectionOverlayProps) {
  const { ref, width: shown } = useElementSize();
  const width = prediction.input.width ?? 1;
  const height = prediction.input.height ?? 1;
  return (
    <div
      className={classes.frame}
      style={{ aspectRatio: `${width} / ${height}`, maxWidth: `calc(68dvh * ${width / height})` }}
      ref={ref}
    >
      <img
        className={classes.picture}
        src={`${prediction.links?.preview}?max_side=1280`}
        alt={prediction.input.filename ?? "The submitted picture"}
      />
      <svg
        className={classes.boxes}
        viewBox={`0 0 ${width} ${height}`}
        aria-hidden="true"
        data-testid="boxes"
      >
        {detections
          .map((detection, index) => ({ detection, index }))
          .reverse()
          .map(({ detection, index }) => (
            <BoxMark
              key={index}
              detection={detection}
              picture={{ width, height }}
              shown={shown}
              faded={active !== null && active !== index}
              onEnter={() => onActive(index)}
              onLeave={() => onActive(null)}
            />
          ))}
      </svg>
    </div>
  );
}

interface BoxMarkProps {
  detection: ShownDetection;
  picture: { width: number; height: number };
  shown: number;
  faded: boolean;
  onEnter: () => void;
  onLeave: () => void;
}

function BoxMark({ detection, picture, shown, faded, onEnter, onLeave }: BoxMarkProps) {
  const { box } = detection;
  const { fill, ink } = classColor(detection.class_id);
  const text = caption(detection);
  const tag = placeTag(box, text, picture, shown);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing is a shortcut; the table's rows take the focus
    <g className={faded ? classes.faded : undefined} onMouseEnter={onEnter} onMouseLeave={onLeave}>
      <rect
        className={classes.box}
        x={box.x_min}
        y={box.y_min}
        width={box.x_max - box.x_min}
        height={box.y_max - box.y_min}
        stroke={fill}
      />
      <rect x={tag.x} y={tag.y} width={tag.width} height={tag.height} fill={fill} />
      <text
        x={tag.x + tag.fontSize * 0.4}
        y={tag.y + tag.height * 0.72}
        fontSize={tag.fontSize}
        fill={ink}
        className={classes.label}
      >
        {text}
      </text>
    </g>
  );
}
