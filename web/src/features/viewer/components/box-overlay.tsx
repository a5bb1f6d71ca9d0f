import { memo } from "react";
import { useFormat } from "@/lib/format/use-format";
import { classColor } from "../lib/colors";
import type { Shown } from "../lib/detections";
import type { Size } from "../lib/fit";
import { placeTag } from "../lib/tags";
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
  const { shown, picture, active, onActive } = props;
  return (
    <svg
      className={classes.boxes}
      viewBox={`0 0 ${picture.width} ${picture.height}`}
      aria-hidden="true"
      data-testid="boxes"
    >
      {/* The best on top, the one that is pointed at above all. */}
      {[...shown]
        .sort((one, other) => rank(other, active) - rank(one, active))
        .map(({ detection, index }) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: pointing is a shortcut; the list's rows take the focus
          <g
            key={index}
            className={active !== null && active !== index ? classes.faded : undefined}
            onMouseEnter={() => onActive(index)}
            onMouseLeave={() => onActive(null)}
          >
            <BoxMark {...props} detection={detection} active={active === index} />
          </g>
        ))}
    </svg>
  );
});

function rank({ index }: Shown, active: number | null): number {
  return index === active ? -1 : index;
}

type BoxMarkProps = Pick<BoxOverlayProps, "picture" | "width" | "zoom" | "labels"> & {
  detection: Shown["detection"];
  active: boolean;
};

function BoxMark({ detection, picture, width, zoom, labels, active }: BoxMarkProps) {
  const format = useFormat();
  const { box } = detection;
  const { fill, ink } = classColor(detection.class_id);
  const text = `${detection.name} ${format.score(detection.score)}`;
  const tag = placeTag(box, text, picture, { shown: width, zoom });
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
