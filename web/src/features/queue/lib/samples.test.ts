import { expect, test } from "vitest";
import { added, outline, WINDOW_MS } from "./samples";

test("what has left the window is forgotten, but for the value that still held at its edge", () => {
  let samples = added([], { at: 0, value: 1 });
  samples = added(samples, { at: 10, value: 2 });
  samples = added(samples, { at: WINDOW_MS + 20, value: 3 });
  expect(samples.map(({ value }) => value)).toEqual([2, 3]);
});

test("values are steps up to now, the highest filling the height", () => {
  const samples = [
    { at: 0, value: 0 },
    { at: WINDOW_MS / 2, value: 4 },
  ];
  expect(outline(samples, { width: 100, height: 22 }, WINDOW_MS)).toBe("M0 22H50V2H100");
  expect(outline([], { width: 100, height: 22 }, 0)).toBe("");
});
