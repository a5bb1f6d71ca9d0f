import { expect, test } from "vitest";
import { inLanguage } from "@/lib/labels/labels";
import { foundOf } from "@/testing/predictions";
import { classesOf, labelCounts, shownOf } from "./detections";

const { result } = foundOf([
  ["cat", 0.9],
  ["dog", 0.6],
  ["cat", 0.3],
  ["bird", 0.1],
]);
const detections = inLanguage(
  result?.kind === "detections" ? result.detections : [],
  undefined,
  "en",
);

test("what is shown is at or above the score and not hidden, and keeps its place", () => {
  expect(shownOf(detections, 0.3, []).map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(shownOf(detections, 0.3, ["cat"]).map(({ index }) => index)).toEqual([1]);
});

test("every label stays while the score moves", () => {
  const counts = (score: number) =>
    labelCounts(detections, score).map(({ label, count }) => [label, count]);
  expect(counts(0.05)).toEqual([
    ["cat", 2],
    ["dog", 1],
    ["bird", 1],
  ]);
  expect(counts(0.7)).toEqual([
    ["cat", 1],
    ["dog", 0],
    ["bird", 0],
  ]);
});

test("a request names the classes only where some are hidden", () => {
  expect(classesOf(detections, [])).toEqual([]);
  expect(classesOf(detections, ["cat"])).toEqual(["dog", "bird"]);
  expect(classesOf(detections, ["cat", "dog", "bird"])).toEqual([""]);
});
