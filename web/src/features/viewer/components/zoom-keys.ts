import type { KeyboardEvent } from "react";
import type { ReactZoomPanPinchContentRef } from "react-zoom-pan-pinch";

const STEP = 0.4;
const PIXELS = 80;

type Controls = Pick<
  ReactZoomPanPinchContentRef,
  "zoomIn" | "zoomOut" | "resetTransform" | "centerView" | "panBy"
>;

/** Enlarges and moves a picture by keys; `whole` is the zoom at which it is shown pixel by pixel. */
export function zoomKeys(
  { zoomIn, zoomOut, resetTransform, centerView, panBy }: Controls,
  whole: number,
) {
  const actions = new Map<string, () => unknown>([
    ["+", () => zoomIn(STEP)],
    ["=", () => zoomIn(STEP)],
    ["-", () => zoomOut(STEP)],
    ["0", () => resetTransform()],
    ["1", () => centerView(Math.max(1, whole))],
    ["ArrowLeft", () => panBy(PIXELS, 0)],
    ["ArrowRight", () => panBy(-PIXELS, 0)],
    ["ArrowUp", () => panBy(0, PIXELS)],
    ["ArrowDown", () => panBy(0, -PIXELS)],
  ]);
  return (event: KeyboardEvent) => {
    const action = actions.get(event.key);
    if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action();
    }
  };
}
