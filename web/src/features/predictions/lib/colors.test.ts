import { expect, test } from "vitest";
import { classColor } from "./colors";

test("a class keeps its colour", () => {
  expect(classColor(18)).toEqual(classColor(18));
  expect(classColor(18)).toEqual({ fill: "rgb(238 51 119)", ink: "#000" });
  expect(classColor(10).fill).toBe("rgb(68 119 170)");
});

test("neighbouring classes differ", () => {
  const fills = Array.from({ length: 10 }, (_, id) => classColor(id).fill);
  expect(new Set(fills).size).toBe(10);
});
