// Paul Tol's "bright" and "vibrant" schemes (SRON/EPS/TN/09-002), told apart with every common form of
// colour blindness. The server draws with the same colours: see render/palette.py.
export const PALETTE = [
  [68, 119, 170],
  [238, 102, 119],
  [34, 136, 51],
  [204, 187, 68],
  [102, 204, 238],
  [170, 51, 119],
  [238, 119, 51],
  [0, 153, 136],
  [238, 51, 119],
  [51, 187, 238],
] as const;
const EVEN_LUMINANCE = 0.179;

/** The colour of a class and the ink that can be read on it; the same whatever else is shown. */
export function classColor(classId: number): { fill: string; ink: string } {
  const [red, green, blue] = PALETTE[colorIndex(classId)] ?? PALETTE[0];
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return {
    fill: `rgb(${red} ${green} ${blue})`,
    ink: luminance > EVEN_LUMINANCE ? "#000" : "#fff",
  };
}

// Neighbours differ, and what COCO has on a laid table: from the wine glass (46) to the bowl (51), and the table (67).
function colorIndex(classId: number): number {
  return (3 * classId + 6 * Math.floor(classId / 10)) % PALETTE.length;
}

function linear(channel: number): number {
  return (channel / 255) ** 2.2;
}
