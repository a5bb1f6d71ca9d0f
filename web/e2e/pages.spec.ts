import type { Page } from "@playwright/test";
import { drop, expect, expectAccessible, expectFits, keep, settled, test } from "./support";

const PAGES = [
  ["predict", "/", "Drop photographs, see what is on them"],
  ["history", "/history", "History"],
  ["history-table", "/history?layout=table", "History"],
  ["queue", "/queue", "Queue"],
  ["models", "/models", "Models"],
  ["account", "/account", "Account"],
  ["missing", "/nonesuch", "There is no such page"],
] as const;
const SIZES = [
  ["phone", 360, 740],
  ["desktop", 1280, 860],
  ["4k", 3840, 2160],
] as const;

/** Looks at what the page shows in both themes and at three widths, without loading it again. */
async function expectGood(page: Page, name: string): Promise<void> {
  for (const [device, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", scheme);
      await settled(page);
      await expectFits(page);
      // Beyond the desktop all is the same, only larger; and in the dark, but for the colours.
      if (device !== "4k") {
        await expectAccessible(page, scheme === "dark" ? "colors" : undefined);
      }
      await keep(page, `${name}-${scheme}-${device}`);
    }
  }
}

test.describe("in both themes, from phone to 4K", () => {
  test.use({ reducedMotion: "reduce" });

  for (const [name, path, heading] of PAGES) {
    test(`${name} is accessible and fits`, async ({ page }) => {
      await page.goto(path);
      await expect(page.getByRole("heading", { name: heading })).toBeVisible();
      await expect(page.locator(".mantine-Loader-root")).toHaveCount(0);
      await expectGood(page, name);
    });
  }

  test("a result is accessible and fits", async ({ page }) => {
    await page.goto("/");
    await drop(page, "coffee");
    await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
    await page
      .getByRole("img", { name: "coffee.jpg" })
      .evaluate((image: HTMLImageElement) => image.decode());
    await expectGood(page, "result");
    for (const [, width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const picture = page.getByRole("img", { name: "coffee.jpg" });
      const bar = page.getByRole("button", { name: /pixel by pixel/ });
      await expect(async () => {
        const [below, above] = [await bar.boundingBox(), await picture.boundingBox()];
        expect(below?.y).toBeGreaterThan((above?.y ?? 0) + (above?.height ?? 0));
      }).toPass();
    }
    for (const tab of ["Code", "Details"]) {
      await page.getByRole("tab", { name: tab }).click();
      await expectGood(page, tab.toLowerCase());
    }
  });
});

test.describe("for a reader of Vietnamese", () => {
  test.use({ locale: "vi-VN" });

  test("the page speaks Vietnamese from the start, and what is chosen is remembered", async ({
    page,
  }) => {
    await page.goto("/");
    await expect(
      page.getByRole("heading", { name: "Thả ảnh vào, xem trong ảnh có gì" }),
    ).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("lang", "vi");
    await keep(page, "predict-vi");
    await drop(page, "coffee");
    await expect(page.getByText("Tìm thấy 2 vật")).toBeVisible();
    await expect(page.getByRole("cell", { name: "0,95" })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Ngôn ngữ: Tiếng Việt" }).click();
    await page.getByRole("menuitem", { name: "English" }).click();
    await expect(page.getByText("2 things found")).toBeVisible();
    await page.reload();
    await expect(page.getByText("2 things found")).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
  });
});

test("the sign-in page is accessible and fits", async ({ page }) => {
  await page.context().clearCookies();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);
  await expectFits(page);
  await keep(page, "sign-in-phone");
});

test("the theme can be chosen", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: /^Theme/ }).click();
  await page.getByRole("menuitem", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
});

test("pages are reached by keyboard, and the new page takes the focus", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
});

test("the API documentation loads from this host alone", async ({ page }) => {
  await page.goto("/api/docs");
  await expect(page.getByRole("heading", { name: /inferq/ })).toBeVisible();
  await expect(
    page.getByText("/api/v1/predictions/{task_id}", { exact: true }).first(),
  ).toBeVisible();
});
