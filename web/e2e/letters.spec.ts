import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drop, expect, keep, test } from "./support";

const PEDESTRIAN = "Người đi bộ";
/** The open font that the server draws labels with. */
const FONT = fileURLToPath(
  new URL("../../src/inferq/render/fonts/NotoSans-Medium.ttf", import.meta.url),
);

test.use({ locale: "vi-VN" });

test("Vietnamese is written with the letters of the open font that the server draws with", async ({
  page,
}) => {
  await page.route("**/api/v1/models", async (route) => {
    const answer = await route.fetch();
    const models = await answer.json();
    models.items[0].translated_labels.vi["1"] = PEDESTRIAN;
    await route.fulfill({ response: answer, json: models });
  });
  await page.goto("/");
  await drop(page, "astronaut");
  const label = page.getByTestId("boxes").locator("text", { hasText: PEDESTRIAN });
  await expect(label).toBeVisible();
  await keep(page, "result-vi");

  const likeness = await label.evaluate(
    async (element, { text, font }) => {
      const bytes = Uint8Array.from(atob(font), (letter) => letter.charCodeAt(0));
      document.fonts.add(await new FontFace("Reference", bytes).load());
      const { fontFamily } = getComputedStyle(element);
      await document.fonts.load(`500 48px ${fontFamily}`, text);
      const draw = (family: string, written: string): Float64Array => {
        const canvas = new OffscreenCanvas(400, 80);
        const context = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
        context.font = `500 48px ${family}`;
        context.fillText(written, 4, 60);
        const { data } = context.getImageData(0, 0, 400, 80);
        return Float64Array.from({ length: 400 * 80 }, (_, index) => data[index * 4 + 3] ?? 0);
      };
      const alike = (one: Float64Array, other: Float64Array): number => {
        const product = (a: Float64Array, b: Float64Array) =>
          a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
        return product(one, other) / Math.sqrt(product(one, one) * product(other, other));
      };
      const written = draw(fontFamily, text);
      const empty = [...text].map((letter) => (letter > "\u007f" ? "\u{10ffff}" : letter)).join("");
      return {
        font: alike(written, draw("Reference", text)),
        plain: alike(written, draw("Reference", "Nguoi di bo")),
        empty: alike(written, draw("Reference", empty)),
      };
    },
    { text: PEDESTRIAN, font: readFileSync(FONT).toString("base64") },
  );
  expect(likeness.font).toBeGreaterThan(0.95);
  expect(likeness.plain).toBeLessThan(0.8);
  expect(likeness.empty).toBeLessThan(0.8);
});
