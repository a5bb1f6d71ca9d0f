import { expect, test } from "vitest";
import { filterOf, isNarrowed, readSearch, writeSearch } from "./search";

const address =
  "state=failed&state=canceled&model=net%401&label=cat&batch=holiday&from=2026-11-01&to=2026-11-25&layout=table";

test("an address survives being read and written", () => {
  expect(writeSearch(readSearch(new URLSearchParams(address))).toString()).toBe(address);
});

test("what an address has no business with is passed over", () => {
  const search = readSearch(new URLSearchParams("state=nonsense&from=yesterday&layout=3d&x=1"));
  expect(search).toMatchObject({ state: [], from: "", layout: "gallery" });
  expect(isNarrowed(search)).toBe(false);
  expect(writeSearch(search).toString()).toBe("");
});

test("days are whole days where the reader is", () => {
  const filter = filterOf(new URLSearchParams("from=2026-11-25&to=2026-11-25"));
  const length = Date.parse(filter.created_before ?? "") - Date.parse(filter.created_after ?? "");
  expect(length).toBe(86_400_000 + 1);
  expect(new Date(filter.created_before ?? "").getHours()).toBe(0);
});

test("how it is laid out narrows nothing", () => {
  expect(filterOf(new URLSearchParams("layout=table"))).toEqual({});
  expect(isNarrowed(readSearch(new URLSearchParams("layout=table")))).toBe(false);
  expect(isNarrowed(readSearch(new URLSearchParams("label=cat")))).toBe(true);
});
