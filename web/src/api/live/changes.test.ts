import { expect, test } from "vitest";
import type { Prediction } from "@/api/generated/types.gen";
import type { PredictionPages } from "@/api/predictions";
import { foundOf, predictionOf } from "@/testing/predictions";
import { applyToPages, type Change, newer } from "./changes";

const one = predictionOf({ task_id: "one", created_at: "2026-11-25T12:00:01Z" });
const two = predictionOf({ task_id: "two", created_at: "2026-11-25T12:00:02Z" });

function pagesOf(items: Prediction[], next_cursor: string | null = null): PredictionPages {
  return { pages: [{ items, next_cursor }], pageParams: [null] };
}

function apply(pages: PredictionPages, filter: object, changes: [string, Change][]) {
  return applyToPages(pages, filter, new Map(changes)).pages.flatMap(({ items }) => items);
}

test("an end is final, whatever arrives late", () => {
  const ended = { ...one, state: "succeeded" as const };
  expect(newer(ended, one)).toBe(ended);
  expect(newer(one, ended)).toBe(ended);
});

test("a change replaces its item and leaves the others the same objects", () => {
  const running = { ...one, state: "running" as const };
  const items = apply(pagesOf([two, one]), {}, [["one", { prediction: running }]]);
  expect(items).toEqual([two, running]);
  expect(items[0]).toBe(two);
});

test("what no change concerns stays the very same pages", () => {
  const pages = pagesOf([one]);
  expect(applyToPages(pages, { batch: ["mine"] }, new Map([["x", { prediction: two }]]))).toBe(
    pages,
  );
});

test("what is new comes in its place, if the filter wants it", () => {
  expect(apply(pagesOf([one]), {}, [["two", { prediction: two }]])).toEqual([two, one]);
  expect(apply(pagesOf([two]), {}, [["one", { prediction: one }]])).toEqual([two, one]);
  expect(apply(pagesOf([]), { state: ["failed"] }, [["two", { prediction: two }]])).toEqual([]);
});

test("what comes after the end of the pages waits for the next page", () => {
  expect(apply(pagesOf([two], "more"), {}, [["one", { prediction: one }]])).toEqual([two]);
});

test("what no longer matches, or is deleted, goes", () => {
  const running = { ...one, state: "running" as const };
  const filter = { state: ["queued" as const] };
  expect(apply(pagesOf([two, one]), filter, [["one", { prediction: running }]])).toEqual([two]);
  expect(apply(pagesOf([two, one]), {}, [["two", "deleted"]])).toEqual([one]);
});

test("a new place is shown only while it waits", () => {
  const queue = { ahead: 3, workers: 1, starts_in_seconds: 1, reason: null };
  expect(apply(pagesOf([one]), {}, [["one", { queue }]])[0]?.queue).toEqual(queue);
  const ended = foundOf([], { task_id: "one" });
  expect(apply(pagesOf([ended]), {}, [["one", { queue }]])[0]?.queue).toBeNull();
});

test("a label is matched by what was found", () => {
  const cat = foundOf([["cat", 0.9]], { task_id: "three" });
  expect(apply(pagesOf([]), { label: ["cat"] }, [["three", { prediction: cat }]])).toEqual([cat]);
  expect(apply(pagesOf([]), { label: ["dog"] }, [["three", { prediction: cat }]])).toEqual([]);
});
