import { expect, test } from "vitest";
import { classColor } from "./colors";

test("a class keeps its colour", () => {
  expect(classColor(18)).toEqual(classColor(18));
  expect(classColor(18)).toEqual({ fill: "rgb(170 51 119)", ink: "#fff" });
  expect(classColor(47).fill).not.toBe(classColor(67).fill);
});

test("neighbouring classes differ", () => {
  const fills = Array.from({ length: 10 }, (_, id) => classColor(id).fill);
  expect(new Set(fills).size).toBe(10);
});
