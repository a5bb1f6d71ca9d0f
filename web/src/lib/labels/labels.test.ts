import { expect, test } from "vitest";
import type { Detection } from "@/api/generated/types.gen";
import { inLanguage, labelLanguage, labelNames } from "./labels";

const card = {
  translated_labels: { vi: { "17": "mèo" }, "zh-Hant": { "17": "貓" } },
};
const box = { x_min: 0, y_min: 0, x_max: 9, y_max: 9 };
const cat: Detection = { label: "cat", class_id: 17, score: 0.9, box };
const dog: Detection = { label: "dog", class_id: 18, score: 0.8, box };

test.each([
  [["vi"], "vi"],
  [["vi-VN", "en"], "vi"],
  [["en-US", "vi"], "en"],
  [["fr", "VI"], "vi"],
  [["zh-Hant-TW"], "zh-Hant"],
  [["zh-TW", "fr"], "en"],
  [[], "en"],
])("a reader of %j gets labels in %s", (read, language) => {
  expect(labelLanguage(card, read)).toBe(language);
});

test("before the card is known, and without translations, labels are English", () => {
  expect(labelLanguage(undefined, ["vi"])).toBe("en");
  expect(inLanguage([cat], undefined, "vi")[0]?.name).toBe("cat");
});

test("what is not translated keeps its English label, and says so", () => {
  const shown = inLanguage([cat, dog], card, "vi");
  expect(shown.map(({ name, language, label }) => [name, language, label])).toEqual([
    ["mèo", "vi", "cat"],
    ["dog", "en", "dog"],
  ]);
});

test("a card's labels are called as the language has it, by what the API calls them", () => {
  const labels = { "17": "cat", "18": "dog" };
  expect([...labelNames({ ...card, labels }, "vi")]).toEqual([
    ["cat", "mèo"],
    ["dog", "dog"],
  ]);
});
