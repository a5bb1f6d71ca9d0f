import { readFileSync } from "node:fs";
import type { Download, Page } from "@playwright/test";
import { countRequests, drop, expect, test } from "./support";

async function read(download: Download): Promise<Buffer> {
  return readFileSync(await download.path());
}

async function downloadOf(page: Page, click: () => Promise<void>): Promise<Download> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return download;
}

test.beforeEach(async ({ page }) => {
  await page.goto("/");
});

test("the slider shows more boxes at once, without a request", async ({ page }) => {
  await drop(page, "coffee");
  await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
  await expect(page.getByText("2 things found")).toBeVisible();
  await page
    .getByRole("img", { name: "coffee.jpg" })
    .evaluate((image: HTMLImageElement) => image.decode());
  const slider = page.getByRole("slider", { name: "Least score" });
  await slider.focus();
  const requests = countRequests(page);
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("ArrowLeft");
  }
  await expect(slider).toHaveAttribute("aria-valuenow", "0.1");
  const boxes = page.getByTestId("boxes").locator("g");
  expect(await boxes.count()).toBeGreaterThan(2);
  expect(await page.getByRole("row").count()).toBe((await boxes.count()) + 1);
  await page.getByRole("button", { name: /^cup/ }).click();
  await expect(page.getByTestId("boxes")).not.toContainText("cup");
  await page.getByRole("button", { name: "None" }).click();
  await expect(boxes).toHaveCount(0);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.getByRole("button", { name: "Back to 0.50" }).click();
  await expect(boxes).toHaveCount(2);
  expect(requests()).toBe(0);
});

test("a box lies on the picture where the API says, also enlarged", async ({ page }) => {
  const accepted = page.waitForResponse((response) => response.request().method() === "POST");
  await drop(page, "chelsea");
  const { links } = await (await accepted).json();
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  const { result, input } = await (await page.request.get(links.self)).json();
  const { box } = result.detections[0];
  const expectInPlace = async () => {
    const picture = await page.getByRole("img", { name: "chelsea.jpg" }).boundingBox();
    const drawn = await page.getByTestId("boxes").locator("rect").first().boundingBox();
    const scale = (picture?.width ?? 0) / input.width;
    expect(Math.abs((drawn?.x ?? 0) - (picture?.x ?? 0) - box.x_min * scale)).toBeLessThan(5);
    expect(Math.abs((drawn?.width ?? 0) - (box.x_max - box.x_min) * scale)).toBeLessThan(9);
    expect(Math.abs((drawn?.height ?? 0) - (box.y_max - box.y_min) * scale)).toBeLessThan(9);
    return picture?.width ?? 0;
  };
  await expect(async () => void (await expectInPlace())).toPass();
  const before = await expectInPlace();
  await page.getByRole("group", { name: /^Picture\./ }).focus();
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await expect(async () => expect(await expectInPlace()).toBeGreaterThan(before * 1.3)).toPass();
  await page.keyboard.press("0");
  await expect(async () => expect(await expectInPlace()).toBeCloseTo(before, 0)).toPass();
});

test("list and boxes light each other up, and labels can be switched off", async ({ page }) => {
  await drop(page, "coffee");
  await page.getByRole("row", { name: "cup" }).focus();
  const boxes = page.getByTestId("boxes").locator("g");
  await expect(boxes.filter({ hasText: "dining table" })).toHaveCSS("opacity", "0.2");
  await expect(boxes.filter({ hasText: "cup" })).toHaveCSS("opacity", "1");
  await page.getByRole("row", { name: "cup" }).blur();
  await page.keyboard.press("l");
  await expect(page.getByTestId("boxes")).not.toContainText("cup");
});

test("what is taken home is what is on the screen", async ({ page }) => {
  await drop(page, "coffee");
  await expect(page.getByText("2 things found")).toBeVisible();
  await page.getByRole("button", { name: /^dining table/ }).click();
  const json = await downloadOf(page, () =>
    page.getByRole("button", { name: "JSON", exact: true }).click(),
  );
  const { result } = JSON.parse((await read(json)).toString());
  expect(result.detections.map(({ label }: { label: string }) => label)).toEqual(["cup"]);

  const annotated = await downloadOf(page, () =>
    page.getByRole("link", { name: "Picture with boxes" }).click(),
  );
  expect((await read(annotated)).subarray(0, 2)).toEqual(Buffer.of(0xff, 0xd8));
  expect(annotated.url()).toContain("classes=cup");

  const format = async (name: string) => {
    await page.getByRole("button", { name: "For training" }).click();
    return downloadOf(page, () => page.getByRole("menuitem", { name }).click());
  };
  const coco = JSON.parse((await read(await format("COCO"))).toString());
  expect(coco.annotations).toHaveLength(1);
  expect(coco.images[0]).toMatchObject({ width: 600, height: 400 });
  for (const name of ["YOLO", "Pascal VOC"]) {
    expect((await read(await format(name))).subarray(0, 2).toString()).toBe("PK");
  }
});

test("the code asks for what is on the screen", async ({ page, baseURL }) => {
  await drop(page, "coffee");
  await expect(page.getByText("2 things found")).toBeVisible();
  await page.getByRole("button", { name: /^dining table/ }).click();
  await page.getByRole("tab", { name: "Code" }).click();
  const program = page.getByLabel("Program");
  await expect(program).toContainText(`${baseURL}/api/v1/predictions`);
  await expect(program).toContainText("-F classes=cup");
  await page.getByText("Python", { exact: true }).click();
  await expect(program).toContainText("from inferq import Client");
});
