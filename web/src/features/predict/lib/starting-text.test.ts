import { expect, test } from "vitest";
import { startingText } from "./starting-text";

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
