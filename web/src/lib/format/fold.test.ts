import { expect, test } from "vitest";
import { fold } from "./fold";

test.each(["Người đi bộ", "nguoi di bo", "NGƯỜI ĐI BỘ", "ngươi đi bô"])(
  "%s is found without its marks",
  (text) => {
    expect(fold(text)).toBe("nguoi di bo");
  },
);
