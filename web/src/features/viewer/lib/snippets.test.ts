import { expect, test } from "vitest";
import { foundOf } from "@/testing/predictions";
import { askedFor, SNIPPETS } from "./snippets";

const prediction = foundOf([["cat", 0.9]], {
  parameters: { score_threshold: 0.05, iou_threshold: 0.4, max_detections: 100, classes: null },
});
prediction.input.filename = "it's a cat.jpg";
const defaults = { score_threshold: 0.5, iou_threshold: 0.5, max_detections: 100, classes: null };
const asked = askedFor(
  prediction,
  { origin: "http://host", score: 0.3, classes: ["cat", "hot dog"] },
  defaults,
);

test("what is asked for is what is on the screen, without what is the default anyway", () => {
  expect(asked.parameters).toEqual([
    ["iou_threshold", 0.4],
    ["score_threshold", 0.3],
    ["classes", ["cat", "hot dog"]],
  ]);
  const whole = askedFor(prediction, { origin: "", score: null, classes: [] }, defaults);
  expect(whole.parameters).toEqual([["iou_threshold", 0.4]]);
});

test("curl quotes what a shell would take apart, and repeats a list", () => {
  expect(SNIPPETS.curl(asked).split("\n")).toEqual([
    "curl -H 'Prefer: wait=30' \\",
    '  -H "Authorization: Bearer $INFERQ_API_KEY" \\',
    "  -F 'file=@it'\\''s a cat.jpg' \\",
    "  -F model=net@1 \\",
    "  -F iou_threshold=0.4 \\",
    "  -F score_threshold=0.3 \\",
    "  -F classes=cat \\",
    "  -F 'classes=hot dog' \\",
    "  http://host/api/v1/predictions",
  ]);
});

test("Python passes lists and numbers as they are", () => {
  const lines = SNIPPETS.python(asked).split("\n");
  expect(lines).toContain('        classes=["cat","hot dog"],');
  expect(lines).toContain("        score_threshold=0.3,");
});

test("JavaScript is a program that parses", () => {
  const source = SNIPPETS.javascript(asked).replace(/^import .*$/m, "");
  expect(() => new Function(`return (async () => { ${source} })`)).not.toThrow();
  expect(source).toContain('form.append("classes", "hot dog");');
});
