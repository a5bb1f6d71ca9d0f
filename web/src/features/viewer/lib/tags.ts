import type { Box } from "@/api/generated/types.gen";

/** Where a label's tag goes, in pixels of the picture. */
export interface Tag {
  x: number;
  y: number;
  width: number;
  height: number;
  fontSize: number;
}

const LETTER_WIDTH = 0.64;
const LEAST_FONT = 11;
const MOST_FONT = 14;

/**
 * Places a label above its box, or inside where there is no room above, and never beyond the picture's
 * right edge. `shown` is the picture's width on the screen and `zoom` how much that is enlarged: letters stay as
 * large as text there.
 */
export function placeTag(
  box: Box,
  text: string,
  picture: { width: number; height: number },
  screen: { shown: number; zoom: number },
): Tag {
  const scale = picture.width / Math.max(screen.shown, 1) / screen.zoom;
  const fontSize = Math.max(LEAST_FONT, Math.min(MOST_FONT, screen.shown / 40)) * scale;
  const width = (text.length * LETTER_WIDTH + 0.8) * fontSize;
  const height = fontSize * 1.45;
  return {
    x: Math.max(0, Math.min(box.x_min, picture.width - width)),
    y: box.y_min >= height ? box.y_min - height : Math.max(0, box.y_min),
    width,
    height,
    fontSize,
  };
}
