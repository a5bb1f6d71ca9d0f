import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { Webhook } from "standardwebhooks";
import { DEMO, expect, expectAccessible, expectFits, keep, photos, test } from "./support";

const PREDICTIONS = "/api/v1/predictions";
const ME = "/api/v1/auth/me";

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver of webhooks on this machine, which gives some answers in turn, and 204 once there are none left. */
async function listen(...answers: number[]) {
  const received: Received[] = [];
  const server = createServer(async (request, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    answer.writeHead(answers.shift() ?? 204).end();
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/told`, received, close: () => server.close() };
}

/** Sends a photograph whose end is told to an address. */
async function submit(page: Page, callback_url: string): Promise<void> {
  const image = {
    name: "chelsea.jpg",
    mimeType: "image/jpeg",
    buffer: readFileSync(photos.chelsea ?? ""),
  };
  const sent = await page.request.post(PREDICTIONS, { multipart: { image, callback_url } });
  expect(sent.status()).toBe(202);
}

/** Whether a request is signed with a secret. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

// A window that is still coming in has no colours to judge.
test.use({ reducedMotion: "reduce" });

test("a key is shown once, lets a program in, and is refused as soon as it is revoked", async ({
  page,
  request,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/account");
  await page.getByRole("button", { name: "New key" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await dialog.getByLabel("Name").fill("Shop");
  await dialog.getByRole("checkbox", { name: "Predict" }).uncheck();
  await dialog.getByRole("combobox", { name: "Valid for" }).click();
  await page.getByRole("option", { name: "7 days" }).click();
  await expectAccessible(page);
  await keep(page, "account-new-key");
  await dialog.getByRole("button", { name: "Make key" }).click();

  await expect(dialog.getByRole("alert")).toContainText("It will not be shown again.");
  const key = (await dialog.getByRole("group", { name: "API key" }).textContent()) ?? "";
  await expectAccessible(page);
  await keep(page, "account-shown-key");
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Copy the key" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  const bearer = { headers: { Authorization: `Bearer ${key}` } };
  expect(await (await request.get(ME, bearer)).json()).toMatchObject({
    name: DEMO.username,
    scopes: ["read"],
    credential: "api_key",
  });
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await expect(dialog).toHaveCount(0);
  expect(await page.content()).not.toContain(key);

  const keys = page.getByRole("region", { name: "API keys" });
  const row = keys.getByRole("listitem").filter({ hasText: "Shop" });
  await expect(row).toContainText(/iq_[0-9a-f]{8}….*Expires \w+ \d/);
  await row.getByRole("button", { name: "Revoke: Shop" }).click();
  await keep(page, "account-revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(row).toHaveCount(0);
  await expect(keys.getByRole("status")).toHaveText("The key “Shop” is revoked.");
  await expect(keys.getByRole("button", { name: "New key" })).toBeFocused();
  expect((await request.get(ME, bearer)).status()).toBe(401);
});

test("the log follows a webhook, and each is signed with both secrets after a rotation", async ({
  page,
}) => {
  const receiver = await listen(204, 204, 410);
  await page.goto("/account");
  const log = page.getByRole("region", { name: "Webhook deliveries" });
  await submit(page, receiver.url);
  const row = log.getByRole("listitem").filter({ hasText: receiver.url });
  await expect(row).toContainText("Delivered");
  await row.getByRole("button", { name: "Attempts" }).click();
  await expect(row.getByRole("cell", { name: "204" })).toBeVisible();

  const secret = page.getByRole("region", { name: "Signing secret" });
  const text = secret.getByRole("group", { name: "Signing secret", exact: true });
  await expect(text).toContainText("hidden");
  await secret.getByRole("button", { name: "Show" }).click();
  const former = (await text.textContent()) ?? "";
  await secret.getByRole("button", { name: "Rotate" }).click();
  await expectAccessible(page);
  await keep(page, "account-rotate");
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await expect(text).not.toHaveText(former);
  await expect(secret.getByText(/signed with the previous secret as well/)).toBeVisible();
  const current = (await text.textContent()) ?? "";
  await keep(page, "account-secrets");

  await row.getByRole("button", { name: "Send again" }).click();
  await expect(row).toContainText("2 attempts");
  // An attempt counts from its beginning on.
  await expect.poll(() => receiver.received.length).toBe(2);
  const [first, second] = receiver.received;
  expect([former, current].map((one) => first && isSigned(first, one))).toEqual([true, false]);
  expect([former, current].map((one) => second && isSigned(second, one))).toEqual([true, true]);

  // 410: the receiver wants no more, until it is enabled again.
  await row.getByRole("button", { name: "Send again" }).click();
  await expect(row).toContainText("Refused");
  await expectAccessible(page);
  await keep(page, "account-disabled");
  await log.getByRole("button", { name: `Enable: ${receiver.url}` }).click();
  await expect(log.getByRole("note")).toHaveCount(0);
  await row.getByRole("button", { name: "Send again" }).click();
  await expect(row).toContainText("Delivered");
  expect(receiver.received).toHaveLength(4);

  await log.getByRole("combobox", { name: "State" }).click();
  await page.getByRole("option", { name: "Given up" }).click();
  await expect(log).toContainText("No delivery is in this state.");
  await log.getByRole("combobox", { name: "State" }).click();
  await page.getByRole("option", { name: "Delivered" }).click();
  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: "chelsea.jpg" })).toBeAttached();
  receiver.close();
});

test.describe("where the server says no", () => {
  test.use({ quiet: false });

  test("a part of the page says what is wrong, and is asked for again", async ({ page }) => {
    const failing = "**/api/v1/webhooks/deliveries*";
    await page.route(failing, (route) => route.fulfill({ status: 500, body: "broken" }));
    await page.goto("/account");
    const log = page.getByRole("region", { name: "Webhook deliveries" });
    await expect(log.getByRole("alert")).toContainText("failed");
    await expect(page.getByRole("region", { name: "API keys" })).toContainText("local.key");
    await page.unroute(failing);
    await log.getByRole("button", { name: "Try again" }).click();
    await expect(log.getByRole("alert")).toHaveCount(0);
  });

  test("an address that the server does not send to is refused beside its field", async ({
    page,
  }) => {
    await page.goto("/account");
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Shop");
    await dialog.getByRole("combobox", { name: "Webhook" }).click();
    await page.getByRole("option", { name: "An address of mine" }).click();
    await dialog.getByLabel("Address of the webhook").fill("https://10.0.0.1/told");
    await dialog.getByRole("button", { name: "Make key" }).click();
    await expect(dialog.getByLabel("Address of the webhook")).toHaveAccessibleDescription(
      /does not send there/,
    );
    await expectAccessible(page);
    await keep(page, "account-refused");
  });

  test("signing out everywhere ends the sessions of other browsers", async ({ page, request }) => {
    await request.post("/api/v1/auth/session", { data: DEMO });
    await page.goto("/account");
    expect((await request.get(ME)).status()).toBe(200);
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    const question = page.getByRole("dialog");
    await expect(question.getByRole("button", { name: "Stay signed in" })).toBeFocused();
    await question.getByRole("button", { name: "Sign out everywhere" }).click();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    expect((await request.get(ME)).status()).toBe(401);
  });
});

test.describe("for a reader of Vietnamese", () => {
  test.use({ locale: "vi-VN" });

  test("the page speaks Vietnamese, and the other language at once when it is chosen", async ({
    page,
  }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto("/account");
    await expect(page.getByRole("heading", { name: "Khóa API" })).toBeVisible();
    await expect(page.getByText("Không hết hạn").first()).toBeVisible();
    await expectAccessible(page);
    await expectFits(page);
    await keep(page, "account-vi");
    await page.getByText("English", { exact: true }).click();
    await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
  });
});
