import { readFileSync } from "node:fs";
import { expect, photos, test } from "./support";

/** Sends photographs as somebody else does, whose predictions this page never sees. */
const OTHER = { extraHTTPHeaders: { Authorization: `Bearer ${process.env.INFERQ_E2E_OTHER_KEY}` } };

test("the charts move with what others send, without asking", async ({
  page,
  playwright,
  baseURL,
}) => {
  await page.goto("/queue");
  const card = page.getByRole("region", { name: /^ssdlite-mobilenet-v2-coco@/ });
  await expect(page.locator('output[data-status="live"]')).toBeAttached();
  await expect(card.getByRole("group", { name: "Workers" })).toContainText("1");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));

  const other = await playwright.request.newContext({ baseURL: baseURL ?? "", ...OTHER });
  const file = { name: "a.jpg", mimeType: "image/jpeg", buffer: readFileSync(photos.coffee ?? "") };
  const sendMany = () =>
    Promise.all(
      Array.from({ length: 30 }, () =>
        other.post("/api/v1/predictions", { multipart: { file, batch: "others" } }),
      ),
    );
  const waiting = card.getByRole("group", { name: "Waiting" });
  await expect(async () => {
    await sendMany();
    await expect(waiting).not.toHaveText(/Waiting\s*0/, { timeout: 1_500 });
  }).toPass();
  await other.post("/api/v1/batches/others/cancel");
  await expect(waiting).toHaveText(/Waiting\s*0/);
  await expect(card.getByRole("group", { name: "Done per second" })).toContainText(/\d/);
  // Up to what waited, and down again.
  await expect(waiting.locator("path").last()).toHaveAttribute("d", /V2H.*V48H/);
  expect(asked).toEqual([]);
  await other.dispose();
});
