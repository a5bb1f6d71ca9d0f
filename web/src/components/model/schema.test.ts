import { expect, test } from "vitest";
import { changedFrom, fieldsOf, toPairs } from "./schema";

const card = {
  parameters: {
    properties: {
      score_threshold: {
        type: "number",
        minimum: 0,
        maximum: 1,
        default: 0.5,
        description: "Least.",
      },
      top: { type: "integer", minimum: 1, default: 5 },
      flip: { type: "boolean", default: true },
      mode: { type: "string", enum: ["fast", "exact"], default: "fast" },
      prompt: { type: ["string", "null"], default: null },
      classes: { type: ["array", "null"], items: { enum: ["cat", "dog"] }, default: null },
      matrix: { type: "array", items: { type: "array" } },
    },
  },
};
const fields = fieldsOf(card);

test("each parameter becomes a field of its kind, in the card's order", () => {
  expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
    ["score_threshold", "number"],
    ["top", "number"],
    ["flip", "boolean"],
    ["mode", "choice"],
    ["prompt", "text"],
    ["classes", "choices"],
  ]);
});

test("a field knows its range, its default and its choices", () => {
  expect(fields[0]).toMatchObject({ whole: false, least: 0, most: 1, initial: 0.5 });
  expect(fields[1]).toMatchObject({ whole: true, least: 1, initial: 5 });
  expect(fields[5]).toMatchObject({ options: ["cat", "dog"], initial: null });
});

test("only what differs from the defaults is sent", () => {
  const values = { score_threshold: 0.5, top: 3, classes: ["cat"], flip: true, unknown: 1 };
  expect(changedFrom(fields, values)).toEqual({ top: 3, classes: ["cat"] });
});

test("a list is repeated, and null left out", () => {
  expect(toPairs({ top: 3, classes: ["cat", "dog"], prompt: null, flip: false })).toEqual([
    ["top", "3"],
    ["classes", "cat"],
    ["classes", "dog"],
    ["flip", "false"],
  ]);
});
