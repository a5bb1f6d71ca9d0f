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
const USUAL_FONT = 14;
const MOST_FONT = 22;

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
  const fontSize = fontOf(screen.shown) * scale;
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

/** The size of letters on a picture that is so wide on the screen: smaller on phones, larger on walls of pixels. */
function fontOf(shown: number): number {
  const usual = Math.min(USUAL_FONT, shown / 40);
  return Math.max(LEAST_FONT, usual, Math.min(MOST_FONT, shown / 120));
}
