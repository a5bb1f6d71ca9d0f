import { memo, useMemo } from "react";
import { useFormat } from "@/lib/format/use-format";
import { classColor } from "../lib/colors";
import type { Shown } from "../lib/detections";
import type { Size } from "../lib/fit";
import { placeTags, type Tag } from "../lib/tags";
import classes from "./box-overlay.module.css";

interface BoxOverlayProps {
  shown: Shown[];
  picture: Size;
  /** The picture's width on the screen, and how much that is enlarged. */
  width: number;
  zoom: number;
  labels: boolean;
  /** Index of the detection that is pointed at, in the picture or in the list. */
  active: number | null;
  onActive: (index: number | null) => void;
}

/** A box for each detection; the list beside the picture says the same to screen readers. */
export const BoxOverlay = memo(function BoxOverlay(props: BoxOverlayProps) {
  const { shown, picture, width, zoom, active, onActive } = props;
  const format = useFormat();
  const marks = useMemo(() => {
    const labelled = shown.map((one) => ({
      ...one,
      box: one.detection.box,
      text: `${one.detection.name} ${format.score(one.detection.score)}`,
    }));
    return placeTags(labelled, picture, { shown: width, zoom });
  }, [shown, picture, width, zoom, format]);
  return (
    <svg
      className={classes.boxes}
      viewBox={`0 0 ${picture.width} ${picture.height}`}
      aria-hidden="true"
      data-testid="boxes"
    >
      {/* The best on top, the one that is pointed at above all. */}
      {marks
        .toSorted((one, other) => rank(other, active) - rank(one, active))
        .map(({ index, detection, text, tag }) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: pointing is a shortcut; the list's rows take the focus
          <g
            key={index}
            className={active !== null && active !== index ? classes.faded : undefined}
            onMouseEnter={() => onActive(index)}
            onMouseLeave={() => onActive(null)}
          >
            <BoxMark
              {...{ detection, text, tag }}
              labels={props.labels}
              active={active === index}
            />
          </g>
        ))}
    </svg>
  );
});

function rank({ index }: Pick<Shown, "index">, active: number | null): number {
  return index === active ? -1 : index;
}

interface BoxMarkProps {
  detection: Shown["detection"];
  text: string;
  tag: Tag;
  labels: boolean;
  active: boolean;
}

function BoxMark({ detection, text, tag, labels, active }: BoxMarkProps) {
  const { box } = detection;
  const { fill, ink } = classColor(detection.class_id);
  const shape = {
    x: box.x_min,
    y: box.y_min,
    width: box.x_max - box.x_min,
    height: box.y_max - box.y_min,
  };
  return (
    <>
      <rect className={classes.halo} {...shape} />
      <rect className={classes.box} {...shape} stroke={fill} data-active={active} />
      {(labels || active) && (
        <>
          <rect
            x={tag.x}
            y={tag.y}
            width={tag.width}
            height={tag.height}
            fill={fill}
            rx={tag.height * 0.15}
          />
          <text
            x={tag.x + tag.width / 2}
            y={tag.y + tag.height * 0.73}
            fontSize={tag.fontSize}
            fill={ink}
            textAnchor="middle"
            className={classes.label}
          >
            {text}
          </text>
        </>
      )}
    </>
  );
}
