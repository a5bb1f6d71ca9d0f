import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { drop, expect, expectAccessible, expectFits, test } from "./support";

async function choose(page: Page, model: string) {
  await page.goto("/");
  await page.getByRole("combobox", { name: "Model" }).click();
  await page.getByRole("option", { name: model }).click();
}

/** What the page hands back of the input. */
async function inputOf(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Input", exact: true }).click(),
  ]);
  return readFileSync(await download.path(), "utf8");
}

async function expectDone(page: Page) {
  await expect(page.getByRole("status").filter({ hasText: /^Done$/ })).toBeVisible();
  await expectAccessible(page);
  await expectFits(page);
}

test("a picture is classified", async ({ page }) => {
  await choose(page, "textures@1");
  await drop(page, "chelsea");
  await expectDone(page);
  const result = page.getByRole("tabpanel", { name: "Result" });
  await expect(result.getByRole("listitem")).toHaveCount(3);
  await expect(page.getByRole("img", { name: "chelsea.jpg" })).toBeVisible();
});

test("a picture becomes a vector", async ({ page }) => {
  await choose(page, "likeness@1");
  await drop(page, "chelsea");
  await expectDone(page);
  const result = page.getByRole("tabpanel", { name: "Result" });
  await expect(result).toContainText("vector");
  await expect(result).toContainText("48");
});

test("JSON is written into a form that knows the model's fields, and into it again", async ({
  page,
}) => {
  await choose(page, "iris@1");
  await expect(page.getByLabel("Input")).toHaveValue(/"petal_width": 0.2/);
  await page.getByRole("button", { name: "Predict" }).click();
  await expectDone(page);
  const result = page.getByRole("tabpanel", { name: "Result" });
  await expect(result.getByRole("listitem").first()).toContainText("setosa");
  expect(await inputOf(page)).toContain('"petal_width":');
  await page.getByRole("button", { name: "Write an input" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Predict" }).click();
  await expect(page.getByText("2 of 2 done")).toBeVisible();
  await expectAccessible(page);
});

test.describe("where the server refuses", () => {
  test.use({ quiet: false });

  test("JSON that the model does not take is told with its place", async ({ page }) => {
    await choose(page, "iris@1");
    await page.getByLabel("Input").fill('{"petal_width": -1}');
    await page.getByRole("button", { name: "Predict" }).click();
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("The model does not take this input.");
    await alert.getByRole("button", { name: "Details" }).click();
    await expect(alert.getByText("/petal_width")).toBeVisible();
  });
});

test("a text is sent as a file", async ({ page }) => {
  await choose(page, "languages@1");
  const buffer = Buffer.from("Xin chào, rất vui được gặp bạn");
  const letter = { name: "letter.txt", mimeType: "text/plain", buffer };
  await expect(page.getByText(/text\/plain/)).toBeVisible();
  await page.getByLabel("Files", { exact: true }).first().setInputFiles(letter);
  await expectDone(page);
  await expect(page.getByRole("tabpanel", { name: "Result" }).getByRole("listitem")).toContainText(
    "vi",
  );
  expect(await inputOf(page)).toBe(buffer.toString());
});

test("the detector is there as well", async ({ page }) => {
  await choose(page, "ssdlite-mobilenet-v2-coco@1");
  await drop(page, "chelsea");
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
});
