import { expect, test } from "vitest";
import type { Prediction } from "@/api/generated/types.gen";
import { predictionOf } from "@/testing/predictions";
import { itemsOfBatches, tallyOf } from "./items";
import type { Upload } from "./upload-queue";

function uploadOf(key: string, batch: string, changes: Partial<Upload> = {}): Upload {
  const file = new File([], key);
  return { key, file, batch, fields: [], state: "waiting", share: 0, problem: null, ...changes };
}

function named(filename: string, parts: Partial<Prediction>): Prediction {
  const prediction = predictionOf(parts);
  return { ...prediction, input: { ...prediction.input, filename } };
}

// The list comes newest first.
const predictions = [
  named("1-c.jpg", { task_id: "c", batch: "second" }),
  named("photo-10.jpg", { task_id: "b", batch: "first", state: "failed" }),
  named("photo-2.jpg", { task_id: "a", batch: "first", state: "running" }),
];
const uploads = [
  uploadOf("photo-9.jpg", "first", { state: "sending", share: 0.5 }),
  uploadOf("9-e.jpg", "second", { state: "refused" }),
  uploadOf("x", "other"),
];
const items = itemsOfBatches(["first", "second"], predictions, uploads);

test("pictures stand by name, drop after drop", () => {
  expect(items.map(({ id }) => id)).toEqual(["a", "photo-9.jpg", "b", "c", "9-e.jpg"]);
});

test("how far all have come is told", () => {
  expect(tallyOf(items)).toMatchObject({ total: 5, unsent: 1, refused: 1, ended: 2 });
  expect(tallyOf(items).share).toBeCloseTo((0.5 + 1 + 0.25 + 0.5 + 1) / 5);
  expect(tallyOf([]).share).toBe(0);
});
