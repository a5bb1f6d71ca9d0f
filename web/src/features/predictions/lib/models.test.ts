import { expect, test } from "vitest";
import { startingText, takesParameter } from "./models";

test("a form for JSON begins with examples, defaults and empty places", () => {
  const schema = {
    type: "object",
    properties: {
      length: { type: "number", examples: [5.1] },
      unit: { type: "string", default: "cm" },
      parts: { type: "array", items: { $ref: "#/$defs/Part" } },
    },
    $defs: { Part: { type: "object", properties: { name: { type: "string" } } } },
  };
  expect(JSON.parse(startingText(schema))).toEqual({
    length: 5.1,
    unit: "cm",
    parts: [{ name: "" }],
  });
});

test("a schema that refers to itself ends", () => {
  const schema = {
    $ref: "#/$defs/Node",
    $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } },
  };
  expect(JSON.parse(startingText(schema))).toEqual({ next: null });
});

test("a parameter is only sent to models that have it", () => {
  expect(takesParameter({ parameters: { properties: { top_k: {} } } }, "top_k")).toBe(true);
  expect(takesParameter({ parameters: {} }, "score_threshold")).toBe(false);
  expect(takesParameter(undefined, "score_threshold")).toBe(false);
});
