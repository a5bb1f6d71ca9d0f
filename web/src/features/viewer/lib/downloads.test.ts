import { expect, test } from "vitest";
import { foundOf } from "@/testing/predictions";
import { annotatedPath, asShown, shownPath } from "./downloads";

const prediction = foundOf([
  ["cat", 0.9],
  ["dog", 0.4],
  ["cat", 0.2],
]);

test("the picture has what is on the screen", () => {
  expect(annotatedPath(prediction, { score: 0.3, hidden: [], language: "vi" })).toBe(
    "/api/v1/predictions/a/annotated?score_threshold=0.3&lang=vi",
  );
  expect(annotatedPath(prediction, { score: 0.3, hidden: ["cat"], language: "vi" })).toContain(
    "&classes=dog",
  );
  expect(
    annotatedPath({ ...prediction, links: null }, { score: 0.3, hidden: [], language: "vi" }),
  ).toBeNull();
});

test("an export has what is on the screen, of this prediction alone", () => {
  expect(shownPath(prediction, "coco", 0.3, ["dog"])).toBe(
    "/api/v1/predictions/export?format=coco&task_id=a&score_threshold=0.3&classes=cat",
  );
});

test("where all classes are hidden, nothing is asked for", () => {
  expect(shownPath(prediction, "yolo", 0.3, ["dog", "cat"])).toMatch(/&classes=$/);
});

test("the JSON has what is on the screen, and all else unchanged", () => {
  const { result, ...rest } = asShown(prediction, 0.3, []);
  expect(result?.kind === "detections" && result.detections.map(({ score }) => score)).toEqual([
    0.9, 0.4,
  ]);
  expect(rest.task_id).toBe("a");
});
