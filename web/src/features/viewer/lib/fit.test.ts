import { expect, test } from "vitest";
import { fitted, sourceFor } from "./fit";

test("a picture fits whole, in its shape", () => {
  expect(fitted({ width: 400, height: 300 }, { width: 800, height: 300 })).toEqual({
    width: 400,
    height: 300,
  });
  expect(fitted({ width: 100, height: 200 }, { width: 800, height: 400 })).toEqual({
    width: 200,
    height: 400,
  });
});

test.each([
  [1000, 4000, true, 1280],
  [3000, 1200, true, 1280],
  [2000, 4000, true, 2560],
  [4000, 4000, true, "original"],
  [4000, 4000, false, 2560],
])(
  "where %i pixels of %i are shown (browser can: %s), the source is %s",
  (pixels, natural, original, source) => {
    expect(sourceFor(pixels, natural, original)).toBe(source);
  },
);
