import { readFileSync } from "node:fs";
import type { APIRequestContext, BrowserContext, Page, Request } from "@playwright/test";
import { type ReverseProxy, startProxy } from "./proxy";
import { drop, expect, photos, test } from "./support";

const EVENTS = "/api/v1/events";
// A server that was tried before knows pictures of the same names.
const BATCH = `live-${Date.now()}`;
const HISTORY = `/history?batch=${BATCH}`;

/** The event streams that the pages of a browser have asked for so far. */
function streamsOf(context: BrowserContext): Request[] {
  const streams: Request[] = [];
  context.on("request", (request) => {
    if (new URL(request.url()).pathname === EVENTS) {
      streams.push(request);
    }
  });
  return streams;
}

/** Sends a photograph as another program of the same user would, and waits for its end. */
async function predict(request: APIRequestContext, name: string): Promise<void> {
  const answer = await request.post("/api/v1/predictions", {
    headers: { Prefer: "wait=30" },
    multipart: {
      batch: BATCH,
      file: { name, mimeType: "image/jpeg", buffer: readFileSync(photos.coffee ?? "") },
    },
  });
  expect((await answer.json()).state).toBe("succeeded");
}

async function expectLive(page: Page): Promise<void> {
  await expect(page.locator('output[data-status="live"]')).toBeAttached();
}

test("tabs share one event stream, and another goes on where the one that had it is closed", async ({
  page,
  context,
}) => {
  const streams = streamsOf(context);
  await page.goto(HISTORY);
  await expectLive(page);
  const [other, third] = [await context.newPage(), await context.newPage()];
  for (const tab of [other, third]) {
    await tab.goto(HISTORY);
    await expectLive(tab);
  }
  await predict(page.request, "shared.jpg");
  for (const tab of [page, other, third]) {
    await expect(tab.getByRole("link", { name: "shared.jpg" })).toBeVisible();
  }
  expect(streams).toHaveLength(1);

  const lists: string[] = [];
  context.on("request", (request) => {
    if (request.url().includes("/api/v1/predictions?")) {
      lists.push(request.url());
    }
  });
  await page.close();
  // It may end before another tab follows: what was heard last tells where to go on.
  await predict(context.request, "handed-over.jpg");
  for (const tab of [other, third]) {
    await expect(tab.getByRole("link", { name: "handed-over.jpg" })).toBeVisible();
  }
  expect(streams).toHaveLength(2);
  expect(streams[1]?.headers()["last-event-id"]).toMatch(/^\d+-\d+$/);
  expect(lists).toEqual([]);
});

test.describe("where a session ends", () => {
  test.use({ quiet: false });

  test("all tabs notice, and go on when somebody has signed in in one of them", async ({
    page,
    context,
  }) => {
    const [other, third] = [await context.newPage(), await context.newPage()];
    for (const tab of [page, other, third]) {
      await tab.goto("/queue");
      await expectLive(tab);
    }
    await other.getByRole("button", { name: "Sign out" }).click();
    await expect(other.getByRole("button", { name: "Sign in" })).toBeVisible();
    for (const tab of [page, third]) {
      await expect(tab.getByText("Your session has ended.")).toBeVisible();
    }
    await third.getByRole("button", { name: "Try as ml_user" }).click();
    for (const tab of [page, third]) {
      await expect(tab.getByRole("heading", { name: "Queue" })).toBeVisible();
      await expectLive(tab);
    }
    await expect(other.getByRole("button", { name: "Sign out" })).toBeVisible();
    await predict(context.request, "signed-in-again.jpg");
    await other.goto(HISTORY);
    await expect(other.getByRole("link", { name: "signed-in-again.jpg" })).toBeVisible();
  });
});

test.describe("behind a proxy", () => {
  let proxy: ReverseProxy;
  test.use({
    quiet: false,
    baseURL: async ({ baseURL }, use) => {
      proxy = await startProxy(baseURL ?? "");
      await use(proxy.url);
      await proxy.close();
    },
  });

  test("that holds events back, each tab asks for what it shows", async ({ page, context }) => {
    proxy.holdsEvents = true;
    await context.clock.install();
    const other = await context.newPage();
    for (const tab of [page, other]) {
      await tab.goto("/");
    }
    await expect.poll(() => proxy.streams).toBe(1);
    await context.clock.fastForward(6_500);
    for (const tab of [page, other]) {
      await expect(tab.locator('output[data-status="polling"]')).toBeAttached();
      await drop(tab, "coffee");
      await expect(tab.getByRole("cell", { name: "cup" })).toBeVisible();
    }
  });

  test("that cuts the stream, nothing is lost, and nothing is asked for twice", async ({
    page,
    context,
  }) => {
    const streams = streamsOf(context);
    await page.goto(HISTORY);
    await expectLive(page);
    await predict(page.request, "before-the-cut.jpg");
    await expect(page.getByRole("link", { name: "before-the-cut.jpg" })).toBeVisible();
    const lists: string[] = [];
    page.on("request", (request) => lists.push(new URL(request.url()).pathname));
    proxy.cut();
    await expect(page.locator('output[data-status="offline"]')).toBeAttached();
    await predict(page.request, "during-the-cut.jpg");
    proxy.mend();
    await expect(page.getByRole("link", { name: "during-the-cut.jpg" })).toBeVisible();
    await expectLive(page);
    expect(streams.at(-1)?.headers()["last-event-id"]).toMatch(/^\d+-\d+$/);
    expect(lists.filter((path) => path === "/api/v1/predictions")).toEqual([]);
  });
});
