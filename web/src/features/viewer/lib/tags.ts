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

interface Labelled {
  box: Box;
  text: string;
}

/**
 * Places a label above each box, best first: where that would lie over a better one's label or beyond the
 * picture, inside the box, below it, or at its right edge; where all of these are taken, above or inside all the
 * same. `shown` is the picture's width on the screen and `zoom` how much that is enlarged: letters stay as large
 * as text there.
 */
export function placeTags<T extends Labelled>(
  labelled: readonly T[],
  picture: { width: number; height: number },
  screen: { shown: number; zoom: number },
): (T & { tag: Tag })[] {
  const scale = picture.width / Math.max(screen.shown, 1) / screen.zoom;
  const fontSize = fontOf(screen.shown) * scale;
  const tagged: (T & { tag: Tag })[] = [];
  for (const one of labelled) {
    const width = (one.text.length * LETTER_WIDTH + 0.8) * fontSize;
    const places = placesOf(one.box, { width, height: fontSize * 1.45, fontSize }, picture);
    const free = places.find((place) => !tagged.some(({ tag }) => overlap(place, tag)));
    tagged.push({ ...one, tag: free ?? places[0] });
  }
  return tagged;
}

/** Where a tag may stand within the picture, the usual place first. */
function placesOf(
  box: Box,
  size: Omit<Tag, "x" | "y">,
  picture: { width: number; height: number },
): [Tag, ...Tag[]] {
  const rightmost = Math.max(0, picture.width - size.width);
  const left = Math.min(Math.max(0, box.x_min), rightmost);
  const right = Math.min(Math.max(0, box.x_max - size.width), rightmost);
  const above = box.y_min - size.height;
  const inside = Math.max(0, box.y_min);
  const corners = [
    [left, above],
    [left, inside],
    [right, above],
    [right, inside],
    [left, box.y_max],
    [left, box.y_max - size.height],
    [right, box.y_max],
  ] as const;
  const [usual = [left, inside] as const, ...others] = corners.filter(
    ([, y]) => y >= 0 && y + size.height <= picture.height,
  );
  const tag = ([x, y]: readonly [number, number]) => ({ ...size, x, y });
  return [tag(usual), ...others.map(tag)];
}

function overlap(one: Tag, other: Tag): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/** The size of letters on a picture that is so wide on the screen: smaller on phones, larger on walls of pixels. */
function fontOf(shown: number): number {
  const usual = Math.min(USUAL_FONT, shown / 40);
  return Math.max(LEAST_FONT, usual, Math.min(MOST_FONT, shown / 120));
}
