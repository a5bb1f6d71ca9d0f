import { expect, test } from "vitest";
import * as en from "./en";
import * as vi from "./vi";

// Vietnamese has one plural form, English two: a text is the same one whatever its number.
const PLURAL = /_(one|other)$/;

function texts(node: object, path = ""): [string, string][] {
  return Object.entries(node).flatMap(([key, value]): [string, string][] =>
    typeof value === "string"
      ? [[`${path}${key}`.replace(PLURAL, ""), value]]
      : texts(value as object, `${path}${key}.`),
  );
}

function placeholders(text: string): string[] {
  return Array.from(text.matchAll(/\{\{(\w+)\}\}|<(\d)>/g), ([whole]) => whole).sort();
}

interface Loaded {
  catalogue: object;
  later: Record<string, () => Promise<object>>;
}

async function whole({ catalogue, later }: Loaded): Promise<object> {
  const rest = Object.entries(later).map(async ([name, load]) => [name, await load()]);
  return { ...catalogue, ...Object.fromEntries(await Promise.all(rest)) };
}

const catalogues = { en: await whole(en), vi: await whole(vi) };
const english = new Map(texts(catalogues.en));
const vietnamese = new Map(texts(catalogues.vi));

test("every text is there in each language, and none is left over", () => {
  expect([...vietnamese.keys()].sort()).toEqual([...english.keys()].sort());
});

test("no text is empty", () => {
  for (const [key, text] of [...english, ...vietnamese]) {
    expect(text.trim(), key).not.toBe("");
  }
});

test("a translation takes the same values", () => {
  for (const [key, text] of english) {
    expect(placeholders(vietnamese.get(key) ?? ""), key).toEqual(placeholders(text));
  }
});

test("plural forms are those of the language", () => {
  const plurals = (node: object): string[] =>
    Object.entries(node).flatMap(([key, value]) =>
      typeof value === "string" ? (PLURAL.test(key) ? [key] : []) : plurals(value as object),
    );
  expect(plurals(catalogues.vi).filter((key) => !key.endsWith("_other"))).toEqual([]);
  const forms = plurals(catalogues.en);
  expect(forms.filter((key) => key.endsWith("_one")).length).toBe(forms.length / 2);
});
