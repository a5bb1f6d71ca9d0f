import { expect, test } from "vitest";
import { placeTags } from "./tags";

type Box = Parameters<typeof placeTags>[0][number]["box"];

const picture = { width: 4000, height: 3000 };

function placeTag(
  box: Box,
  text: string,
  on: { width: number; height: number },
  screen: { shown: number; zoom: number },
) {
  const [one] = placeTags([{ box, text }], on, screen);
  if (one === undefined) {
    throw new Error("no tag");
  }
  return one.tag;
}

test("a tag stands on its box", () => {
  const tag = placeTag({ x_min: 400, y_min: 900, x_max: 800, y_max: 1200 }, "dog 0.90", picture, {
    shown: 800,
    zoom: 1,
  });
  expect(tag.x).toBe(400);
  expect(tag.y + tag.height).toBe(900);
});

test("a tag flips inside at the top edge", () => {
  const tag = placeTag({ x_min: 0, y_min: 3, x_max: 800, y_max: 1200 }, "dog 0.90", picture, {
    shown: 800,
    zoom: 1,
  });
  expect(tag.y).toBe(3);
});

test("a tag stays inside the right edge", () => {
  const tag = placeTag(
    { x_min: 3990, y_min: 900, x_max: 4000, y_max: 1200 },
    "person 0.90",
    picture,
    { shown: 800, zoom: 1 },
  );
  expect(tag.x + tag.width).toBeCloseTo(4000);
});

test("letters grow with a picture that fills a very large screen", () => {
  const box = { x_min: 0, y_min: 90, x_max: 10, y_max: 99 };
  const onScreen = (shown: number) =>
    placeTag(box, "x", picture, { shown, zoom: 1 }).fontSize * (shown / 4000);
  expect([320, 800, 1600, 2400, 3600].map((shown) => Math.round(onScreen(shown)))).toEqual([
    11, 14, 14, 20, 22,
  ]);
});

test("letters are as large on the screen for a huge picture as for a small one", () => {
  const box = { x_min: 0, y_min: 90, x_max: 10, y_max: 99 };
  const huge = placeTag(box, "x", picture, { shown: 800, zoom: 1 }).fontSize * (800 / 4000);
  const small =
    placeTag(box, "x", { width: 200, height: 150 }, { shown: 800, zoom: 1 }).fontSize * (800 / 200);
  expect(huge).toBeCloseTo(small);
  expect(huge).toBeGreaterThanOrEqual(11);
});

test("letters stay as large when the picture is zoomed", () => {
  const box = { x_min: 0, y_min: 90, x_max: 10, y_max: 99 };
  const one = placeTag(box, "x", picture, { shown: 800, zoom: 1 });
  const four = placeTag(box, "x", picture, { shown: 800, zoom: 4 });
  expect(four.fontSize * 4).toBeCloseTo(one.fontSize);
});

test("labels of neighbours do not lie over each other, and the best stays where it is", () => {
  const box = { x_min: 1000, y_min: 1000, x_max: 2400, y_max: 2400 };
  const crowd = [0, 40, 80, 120].map((shift) => ({
    box: { ...box, x_min: box.x_min + shift, y_min: box.y_min + shift },
    text: "person 0.90",
  }));
  const tags = placeTags(crowd, picture, { shown: 390, zoom: 1 }).map(({ tag }) => tag);
  expect(tags[0]?.x).toBe(1000);
  expect((tags[0]?.y ?? 0) + (tags[0]?.height ?? 0)).toBe(1000);
  for (const [index, one] of tags.entries()) {
    for (const other of tags.slice(index + 1)) {
      const apart =
        one.x + one.width <= other.x ||
        other.x + other.width <= one.x ||
        one.y + one.height <= other.y ||
        other.y + other.height <= one.y;
      expect(apart).toBe(true);
    }
  }
});

test("a box as high as the picture has its label inside", () => {
  const box = { x_min: 0, y_min: 0, x_max: 4000, y_max: 3000 };
  expect(placeTag(box, "bed 0.90", picture, { shown: 390, zoom: 1 }).y).toBe(0);
});
