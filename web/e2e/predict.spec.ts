import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { drop, dropMany, expect, expectAccessible, expectFits, photos, test } from "./support";

const supervisor = process.env.INFERQ_E2E_SUPERVISOR ?? "";

/** The process that serves the page; `inferq up` starts it again when it is gone. */
function apiProcess(): number {
  const children = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "utf8");
  const api = children
    .trim()
    .split(" ")
    .find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes("inferq api"),
    );
  return Number(api);
}

test("fifty photographs are dropped, watched to their end and walked through", async ({ page }) => {
  await page.goto("/");
  await dropMany(page, 50);
  const strip = page.getByRole("navigation", { name: "Inputs" });
  await expect(strip.getByRole("button")).toHaveCount(50);
  await expect(page.getByText("50 of 50 done")).toBeVisible({ timeout: 60_000 });
  await expect(strip.getByRole("button", { name: "photo-0.jpg, Done" })).toHaveAttribute(
    "aria-current",
    "true",
  );
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  await page.keyboard.press("]");
  await expect(strip.getByRole("button", { name: "photo-1.jpg, Done" })).toHaveAttribute(
    "aria-current",
    "true",
  );
  await expect(page.getByRole("cell", { name: "cup" })).toBeVisible();
  await page.keyboard.press("[");
  await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  await expectAccessible(page);
  await expectFits(page);
});

test("a reload in the middle loses nothing", async ({ page }) => {
  await page.goto("/");
  await dropMany(page, 30, "reload");
  await expect(page.getByRole("button", { name: /reload-0\.jpg/ })).toBeVisible();
  // As a reader does who waits for nothing.
  await page.reload();
  await expect(page.getByText("30 of 30 done")).toBeVisible({ timeout: 60_000 });
  const names = await page
    .getByRole("navigation", { name: "Inputs" })
    .getByRole("button")
    .evaluateAll((buttons) => buttons.map((button) => button.getAttribute("title")));
  expect(new Set(names).size).toBe(30);
});

test.describe("while the server is away", () => {
  test.use({ quiet: false });

  test("a restart in the middle loses nothing, and the page says what it waits for", async ({
    page,
  }) => {
    await page.goto("/");
    await dropMany(page, 30, "restart");
    await expect(page.getByRole("button", { name: /restart-0\.jpg, Done/ })).toBeVisible();
    execFileSync("kill", ["-9", String(apiProcess())]);
    await expect(page.getByText("30 of 30 done")).toBeVisible({ timeout: 60_000 });
    await expect(page.getByRole("alert")).toHaveCount(0);
  });

  test("a busy server is waited for, without a red card", async ({ page }) => {
    await page.goto("/");
    let refused = 0;
    // The server's own answer would need thousands of predictions in flight.
    await page.route("**/api/v1/predictions", async (route) => {
      if (route.request().method() === "POST" && refused++ === 0) {
        await route.fulfill({
          status: 429,
          headers: { "Retry-After": "2", "Content-Type": "application/problem+json" },
          body: JSON.stringify({ code: "too_many_in_flight", status: 429, detail: "", type: "" }),
        });
      } else {
        await route.fallback();
      }
    });
    await drop(page, "chelsea");
    await expect(
      page.getByText(/as many unfinished predictions as you may have.*in \d sec/),
    ).toBeVisible();
    await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
  });

  test("what is no picture is told in words, and what the server says about it is one click away", async ({
    page,
  }) => {
    await page.goto("/");
    await page
      .getByLabel("Photographs", { exact: true })
      .first()
      .setInputFiles({
        name: "notes",
        mimeType: "",
        buffer: Buffer.from("hello, I am no picture"),
      });
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("This file is not a picture");
    await alert.getByRole("button", { name: "Details" }).click();
    await expect(alert).toContainText("These bytes are no picture");
    await expectAccessible(page);
  });
});

test("what is dropped can be canceled: what is sent ends once, what is not sent never is", async ({
  page,
}) => {
  const sent = 12;
  let uploads = 0;
  // Held before a byte of them has left, however fast the machine is.
  await page.route("**/api/v1/predictions", async (route) => {
    if (route.request().method() !== "POST" || ++uploads <= sent) {
      await route.fallback();
    }
  });
  await page.goto("/");
  await dropMany(page, 50, "cancel");
  const inputs = page.getByRole("navigation", { name: "Inputs" }).getByRole("button");
  await expect(inputs).toHaveCount(50);
  await expect.poll(() => uploads).toBeGreaterThan(sent);
  const cancel = page.getByRole("button", { name: "Cancel all" });
  await cancel.click();
  await expect(cancel).toBeHidden();
  await expect(inputs).toHaveCount(sent);
  const shown = await inputs.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  expect(shown.filter((name) => !/, (Done|Canceled)$/.test(name ?? ""))).toEqual([]);
  // The three that were on their way are all that was held: canceling sent none of the others.
  const batch = new URL(page.url()).searchParams.get("batch") ?? "";
  const counted = await page.request.get(`/api/v1/batches/${encodeURIComponent(batch)}`);
  const { total, counts } = await counted.json();
  const { succeeded = 0, canceled = 0 } = counts;
  expect([total, succeeded + canceled]).toEqual([sent, sent]);
  expect(uploads).toBe(sent + 3);
});

test("a sample is one click away, and settings go with what is sent", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("textbox", { name: "Most detections" }).fill("1");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Try the photograph of a cup of coffee" }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByLabel("Parameters")).toContainText('"max_detections": 1');
});

for (const [name, file] of [
  ["HEIC", "turned.heic"],
  ["TIFF", "coffee.tif"],
]) {
  test(`${name} is shown`, async ({ page }) => {
    await page.goto("/");
    await drop(page, file ?? "");
    const picture = page.getByRole("img", { name: file ?? "", exact: true });
    await expect(picture).toBeVisible();
    await picture.evaluate((image: HTMLImageElement) => image.decode());
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(
      40,
    );
    expect(photos[file ?? ""]).toBeTruthy();
  });
}
