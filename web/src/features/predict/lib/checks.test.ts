import { expect, test } from "vitest";
import { checkFile } from "./checks";

const limits = {
  max_upload_bytes: 1000,
  max_pixels: 1,
  image_types: ["image/jpeg"],
  max_batch_characters: 64,
  max_metadata_bytes: 1,
  max_in_flight: 1,
  retention_seconds: 1,
};

test.each([
  [{ name: "a.jpg", size: 1000, type: "image/jpeg" }, undefined],
  [{ name: "a.jpg", size: 1001, type: "image/jpeg" }, "upload_too_large"],
  [{ name: "a.jpg", size: 0, type: "image/jpeg" }, "empty_upload"],
  [{ name: "a.txt", size: 10, type: "text/plain" }, "not_an_image"],
  [{ name: "a.heic", size: 10, type: "" }, undefined],
  [{ name: "a.xyz", size: 10, type: "image/x-unheard-of" }, undefined],
])("%j is checked before it is sent", (file, code) => {
  expect(checkFile(file, limits)?.code).toBe(code);
});

test.each(["json", "file"] as const)("a model of %s inputs takes what is no picture", (kind) => {
  expect(checkFile({ name: "a.txt", size: 10, type: "text/plain" }, limits, kind)).toBeNull();
});

test("before the limits are known, the server decides", () => {
  expect(checkFile({ name: "a.jpg", size: 1e9, type: "" }, undefined)).toBeNull();
});
