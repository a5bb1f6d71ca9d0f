import { expect, test } from "vitest";
import { EMPTY_DRAFT, wishOf } from "./key-draft";
import { beginningOf, expiryOf } from "./keys";

const NOW = Date.parse("2026-11-25T09:30:00Z");

test.each([
  [null, "never"],
  ["2027-11-25T09:30:00Z", "later"],
  ["2026-11-28T09:30:01Z", "later"],
  ["2026-11-28T09:30:00Z", "soon"],
  ["2026-11-25T09:30:00Z", "past"],
])("a key that ends at %s counts as %s", (expires_at, expected) => {
  expect(expiryOf({ expires_at }, NOW)).toBe(expected);
});

test("a key is known by how it begins", () => {
  expect(beginningOf({ key_id: "0123456789abcdef01234567" })).toBe("iq_01234567…");
});

test("a draft leaves the receiver to the deployment unless it says otherwise", () => {
  expect(wishOf({ ...EMPTY_DRAFT, label: " shop " })).toEqual({
    label: "shop",
    scopes: ["predict", "read"],
    expires_in_days: 90,
    callback_url: null,
  });
  const address = " https://app.example/told ";
  expect(wishOf({ ...EMPTY_DRAFT, address }).callback_url).toBeNull();
  expect(wishOf({ ...EMPTY_DRAFT, receiver: "nobody", address }).callback_url).toBe("");
  expect(wishOf({ ...EMPTY_DRAFT, receiver: "address", address }).callback_url).toBe(
    "https://app.example/told",
  );
});

test("a key without an end has none in the request", () => {
  expect(wishOf({ ...EMPTY_DRAFT, lifetime: null }).expires_in_days).toBeNull();
});
