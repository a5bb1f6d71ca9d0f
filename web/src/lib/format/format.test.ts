import { expect, test } from "vitest";
import { formatOf } from "./format";

const en = formatOf("en");
const vi = formatOf("vi");
const NOW = Date.parse("2026-11-25T12:00:00Z");

test("numbers are written as the language writes them", () => {
  expect(en.score(0.5)).toBe("0.50");
  expect(vi.score(0.5)).toBe("0,50");
  expect(en.number(12_345)).toBe("12,345");
  expect(vi.number(12_345)).toBe("12.345");
});

test.each([
  [999, "999 byte"],
  [1_500, "1.5 kB"],
  [163_759, "164 kB"],
  [33_554_432, "34 MB"],
])("%i bytes are %s", (bytes, text) => {
  expect(en.bytes(bytes)).toBe(text);
});

test.each([
  [2, "2 sec"],
  [90, "1.5 min"],
  [7_200, "2 hr"],
])("%i seconds are %s", (seconds, text) => {
  expect(en.duration(seconds)).toBe(text);
});

test("a moment is told by how far it is", () => {
  expect(en.relative("2026-11-25T11:57:00Z", NOW)).toBe("3 minutes ago");
  expect(en.relative("2026-11-27T12:00:00Z", NOW)).toBe("in 2 days");
  expect(vi.relative("2026-11-25T11:57:00Z", NOW)).toBe("3 phút trước");
});

test("a moment is told to the day, to the minute or to the second", () => {
  const iso = new Date(2027, 1, 24, 9, 5, 7).toISOString();
  expect(en.date(iso)).toBe("Feb 24, 2027");
  expect(vi.date(iso)).toBe("24 thg 2, 2027");
  expect(en.exact(iso)).toContain("9:05:07");
  expect(en.moment(iso)).not.toContain("07");
});
