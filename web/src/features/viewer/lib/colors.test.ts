import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { classColor, PALETTE } from "./colors";

test("the server's renderer draws with the same colours", async () => {
  const source = await readFile("../src/inferq/render/palette.py", "utf8");
  const drawn = Array.from(source.matchAll(/^ {4}\((\d+), (\d+), (\d+)\),$/gm), (match) =>
    match.slice(1).map(Number),
  );
  expect(drawn).toEqual(PALETTE);
});

test("a class keeps its colour", () => {
  expect(classColor(18)).toEqual({ fill: "rgb(68 119 170)", ink: "#fff" });
});

test("what stands on a laid table differs", () => {
  const fills = [44, 46, 47, 48, 49, 50, 51, 67].map((id) => classColor(id).fill);
  expect(new Set(fills).size).toBe(fills.length);
});

test("neighbouring classes differ", () => {
  const fills = Array.from({ length: 10 }, (_, id) => classColor(id).fill);
  expect(new Set(fills).size).toBe(10);
});
