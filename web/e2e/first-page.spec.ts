import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

const photos = (process.env.INFERQ_E2E_PHOTOS ?? "").split(",");
const screenshots = process.env.INFERQ_E2E_SCREENSHOTS;

async function drop(page: Page, ...files: string[]) {
  await page.getByLabel("Photographs", { exact: true }).setInputFiles(files);
}

async function keep(page: Page, name: string) {
  if (screenshots) {
    await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
  }
}

async function open(page: Page) {
  await page.goto("/");
  await page.getByRole("button", { name: "Try as ml_user" }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
}

async function expectAccessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

test.beforeEach(async ({ page, baseURL }) => {
  // Whatever a test does: nothing is ever asked of another host, and nothing breaks in silence.
  page.on("request", (request) =>
    expect(
      request.url().startsWith(`${baseURL}/`) ||
        request.url().startsWith("blob:") ||
        request.url().startsWith("data:"),
      request.url(),
    ).toBe(true),
  );
  page.on("pageerror", (error) => expect(error).toBeNull());
  page.on("console", (message) => expect(message.type(), message.text()).not.toBe("error"));
});

test("a dropped photograph shows its box, and the slider asks nothing of the server", async ({
  page,
}) => {
  await open(page);
  await expectAccessible(page);
  await keep(page, "empty-light");
  await drop(page, photos[0] ?? "");
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  await expect(page.getByTestId("boxes")).toContainText("cat 0.9");
  await expect(page.getByRole("status")).toHaveText("1 thing found");
  await page
    .getByRole("img", { name: "chelsea.jpg" })
    .evaluate((image: HTMLImageElement) => image.decode());

  let requests = 0;
  page.on("request", () => requests++);
  const slider = page.getByRole("slider", { name: "Least score" });
  await slider.focus();
  await page.keyboard.press("Home");
  await expect(slider).toHaveAttribute("aria-valuenow", "0.05");
  expect(await page.getByRole("row").count()).toBeGreaterThan(2);
  await page.keyboard.press("End");
  await expect(page.getByRole("status")).toHaveText("Nothing found at this score.");
  expect(requests).toBe(0);
});

test("a box lies on the picture where the API says", async ({ page }) => {
  await open(page);
  const accepted = page.waitForResponse((response) => response.request().method() === "POST");
  await drop(page, photos[0] ?? "");
  const { links } = await (await accepted).json();
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  const { result, input } = await (await page.request.get(links.self)).json();
  const { box } = result.detections[0];
  const picture = await page.getByRole("img", { name: "chelsea.jpg" }).boundingBox();
  const drawn = await page.getByTestId("boxes").locator("rect").first().boundingBox();
  const last = await page
    .getByTestId("boxes")
    .locator("g")
    .last()
    .locator("rect")
    .first()
    .boundingBox();
  const scale = (picture?.width ?? 0) / input.width;
  expect(drawn).toEqual(last);
  expect(Math.abs((last?.x ?? 0) - (picture?.x ?? 0) - box.x_min * scale)).toBeLessThan(3);
  expect(Math.abs((last?.width ?? 0) - (box.x_max - box.x_min) * scale)).toBeLessThan(5);
  expect(Math.abs((last?.height ?? 0) - (box.y_max - box.y_min) * scale)).toBeLessThan(5);
});

test.describe("a reader of Vietnamese", () => {
  test.use({ locale: "vi-VN" });

  test("sees labels in Vietnamese, on the picture to take home too", async ({ page, request }) => {
    await page.goto("/");
    await drop(page, photos[0] ?? "");
    const label = page.getByRole("cell", { name: "mèo" }).getByText("mèo");
    await expect(label).toHaveAttribute("lang", "vi");
    await expect(page.getByTestId("boxes")).toContainText("mèo 0.9");
    await expectAccessible(page);
    await keep(page, "result-vietnamese");
    const link = page.getByRole("link", { name: "Picture with boxes" });
    const picture = await request.get((await link.getAttribute("href")) ?? "");
    expect(picture.headers()["content-language"]).toBe("vi");
  });
});

test("several photographs stand in a strip, the newest first", async ({ page }) => {
  await open(page);
  await drop(page, ...photos);
  const strip = page.getByRole("navigation", { name: "Inputs" });
  await expect(strip.getByRole("button")).toHaveCount(photos.length);
  await strip.getByRole("button", { name: "coffee.jpg" }).click();
  await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("row", { name: "cup" }).focus();
  await expect(page.getByTestId("boxes").locator("g").first()).toHaveCSS("opacity", "0.2");
});

test("what is no picture is told in words", async ({ page }) => {
  await open(page);
  page.removeAllListeners("console"); // the browser logs the refusal itself
  await page
    .getByLabel("Photographs", { exact: true })
    .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
  await expect(page.getByRole("alert")).toContainText("Not an image");
  await expect(page.getByRole("alert")).toContainText("notes.txt: These bytes are no picture");
  await expectAccessible(page);
});

for (const scheme of ["light", "dark"] as const) {
  for (const [device, width, height] of [
    ["desktop", 1280, 860],
    ["phone", 360, 740],
  ] as const) {
    test(`the page is accessible and fits: ${scheme}, ${device}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height });
      await open(page);
      await drop(page, photos[1] ?? "");
      await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
      await page
        .getByRole("img", { name: "coffee.jpg" })
        .evaluate((image: HTMLImageElement) => image.decode());
      await expectAccessible(page);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
      await keep(page, `result-${scheme}-${device}`);
    });
  }
}

test("the API documentation loads from this host alone", async ({ page }) => {
  await page.goto("/api/docs");
  await expect(page.getByRole("heading", { name: /inferq/ })).toBeVisible();
  await expect(
    page.getByText("/api/v1/predictions/{task_id}", { exact: true }).first(),
  ).toBeVisible();
  await keep(page, "docs");
});
