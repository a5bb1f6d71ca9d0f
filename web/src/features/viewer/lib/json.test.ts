import { expect, test } from "vitest";
import { entriesOf, isVector } from "./json";

test("a long list of numbers is a vector; a short one, or one of anything else, is read", () => {
  expect(isVector(Array.from({ length: 512 }, () => 0.5))).toBe(true);
  expect(isVector([1, 2, 3])).toBe(false);
  expect(isVector(Array.from({ length: 512 }, () => "a"))).toBe(false);
});

test("lists and objects have parts, all else has none", () => {
  expect(entriesOf({ a: 1 })).toEqual([["a", 1]]);
  expect(entriesOf(["x"])).toEqual([["0", "x"]]);
  expect(entriesOf(null)).toBeUndefined();
  expect(entriesOf("text")).toBeUndefined();
});
