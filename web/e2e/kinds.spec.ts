import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

const photo = process.env.INFERQ_E2E_PHOTOS ?? "";

async function choose(page: Page, model: string) {
  await page.goto("/");
  await page.getByLabel("Model").selectOption(model);
}

async function expectDone(page: Page) {
  await expect(page.getByRole("status")).toHaveText("Done", { timeout: 20_000 });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

test("a picture is classified", async ({ page }) => {
  await choose(page, "textures@1");
  await page.getByLabel("Photographs", { exact: true }).setInputFiles(photo);
  await expectDone(page);
  await expect(page.getByRole("list", { name: "Classes" }).getByRole("listitem")).toHaveCount(3);
  await expect(page.getByRole("img", { name: "chelsea.jpg" })).toBeVisible();
});

test("a picture becomes a vector", async ({ page }) => {
  await choose(page, "likeness@1");
  await page.getByLabel("Photographs", { exact: true }).setInputFiles(photo);
  await expectDone(page);
  await expect(page.getByRole("region", { name: "Result" })).toContainText('"vector"');
});

test("JSON is written into a form that knows the model's fields", async ({ page }) => {
  await choose(page, "iris@1");
  await expect(page.getByLabel("Input")).toHaveValue(/"petal_width": 0.2/);
  await page.getByRole("button", { name: "Predict" }).click();
  await expectDone(page);
  await expect(page.getByRole("listitem").first()).toContainText("setosa");
});

test("JSON that the model does not take is refused with its place", async ({ page }) => {
  await choose(page, "iris@1");
  await page.getByLabel("Input").fill('{"petal_width": -1}');
  await page.getByRole("button", { name: "Predict" }).click();
  await expect(page.getByRole("alert")).toContainText("/petal_width");
});

test("a text is sent as a file", async ({ page }) => {
  await choose(page, "languages@1");
  const buffer = Buffer.from("Xin chào, rất vui được gặp bạn");
  const letter = { name: "letter.txt", mimeType: "text/plain", buffer };
  await page.getByLabel("Files", { exact: true }).setInputFiles(letter);
  await expectDone(page);
  await expect(page.getByRole("listitem")).toContainText("vi");
});

test("the detector is there as well", async ({ page }) => {
  await choose(page, "ssdlite-mobilenet-v2-coco@1");
  await page.getByLabel("Photographs", { exact: true }).setInputFiles(photo);
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible({ timeout: 20_000 });
});
