import { expect, test } from "vitest";
import { bestLanguage } from "./languages";

test.each([
  [["vi-VN", "en"], "vi"],
  [["VI"], "vi"],
  [["fr", "vi", "en"], "vi"],
  [["de-DE", "fr"], "en"],
  [[], "en"],
])("of %j the page speaks %s", (wanted, language) => {
  expect(bestLanguage(wanted)).toBe(language);
});
