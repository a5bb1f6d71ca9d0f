import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { DEMO, photos } from "./support";

const SESSION = "/api/v1/auth/session";
const LIST = "/api/v1/predictions";

let foreign: Server;
let port: number;

test.beforeAll(async () => {
  foreign = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end("<!doctype html><title>foreign</title>");
  });
  await new Promise<void>((ready) => foreign.listen(0, "127.0.0.1", ready));
  port = (foreign.address() as AddressInfo).port;
});

test.afterAll(() => {
  foreign.close();
});

/** What a page can try with scripts: whether it could read an answer, and what the answer was. */
async function attempt(page: Page, url: string, options: RequestInit): Promise<string> {
  return page.evaluate(
    ([target, init]) =>
      fetch(target, { credentials: "include", ...init }).then(
        async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`,
        (error: Error) => error.name,
      ),
    [url, options] as const,
  );
}

/** How many predictions whoever is signed in has. */
async function count(context: BrowserContext, baseURL: string | undefined): Promise<number> {
  const answer = await context.request.get(`${baseURL}${LIST}`);
  return (await answer.json()).items.length;
}

for (const host of ["127.0.0.1", "localhost"]) {
  test(`a page of another origin can neither submit, read nor sign in: ${host}`, async ({
    page,
    context,
    baseURL,
  }) => {
    await page.goto("/");
    await page.getByRole("button", { name: "Try as ml_user" }).click();
    await page.getByLabel("Photographs", { exact: true }).setInputFiles(photos.chelsea ?? "");
    await expect(page.getByRole("cell", { name: "cat" })).toBeVisible();
    const before = await count(context, baseURL);
    const list = await (await context.request.get(`${baseURL}${LIST}`)).json();

    await page.goto(`http://${host}:${port}/`);
    for (const path of [LIST, SESSION, "/api/v1/models", list.items[0].links.image]) {
      expect(await attempt(page, `${baseURL}${path}`, {}), path).toBe("TypeError");
    }
    const picture = { method: "POST", headers: { "Content-Type": "image/jpeg" }, body: "x" };
    expect(await attempt(page, `${baseURL}${LIST}`, picture)).toBe("TypeError");
    const json = { method: "POST", headers: { "Content-Type": "application/json" } };
    const login = { ...json, body: JSON.stringify(DEMO) };
    expect(await attempt(page, `${baseURL}${SESSION}`, login)).toBe("TypeError");
    // What needs no permission to be sent is refused where it arrives.
    await page.evaluate((url) => {
      const data = new FormData();
      data.append("image", new Blob(["GIF89a"], { type: "image/gif" }), "a.gif");
      const options = { method: "POST", mode: "no-cors", credentials: "include" } as const;
      return fetch(url, { ...options, body: data }).catch(() => undefined);
    }, `${baseURL}${LIST}`);
    const shown = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const image = new Image();
          image.onload = () => resolve("shown");
          image.onerror = () => resolve("refused");
          image.src = url;
        }),
      `${baseURL}${list.items[0].links.image}`,
    );
    expect(shown).toBe("refused");
    const followed = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const source = new EventSource(url, { withCredentials: true });
          source.onopen = () => resolve("open");
          source.onerror = () => resolve("refused");
        }),
      `${baseURL}/api/v1/events`,
    );
    expect(followed).toBe("refused");
    expect(await count(context, baseURL)).toBe(before);
  });
}

test("a form of another origin signs nobody in and fetches no token", async ({
  page,
  context,
  baseURL,
}) => {
  await page.goto(`http://127.0.0.1:${port}/`);
  const posted = page.waitForResponse((answer) => answer.url().includes("/auth/token"));
  await page.evaluate(
    ([url, { username, password }]) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = url;
      for (const [name, value] of Object.entries({ username, password })) {
        const input = document.createElement("input");
        input.name = name;
        input.value = value;
        form.append(input);
      }
      document.body.append(form);
      form.submit();
    },
    [`${baseURL}/api/v1/auth/token`, DEMO] as const,
  );
  expect((await posted).status()).toBe(403);
  expect(await context.cookies()).toEqual([]);
});

test("a page whose name was rebound to this machine is answered nowhere", async ({
  page,
  context,
  baseURL,
}) => {
  const rebound = String(baseURL).replace("127.0.0.1", "rebound.test");
  const first = await page.goto(rebound);
  expect(first?.status()).toBe(400);
  expect(await attempt(page, LIST, {})).toContain("host_not_allowed");
  const login = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(DEMO),
  };
  expect(await attempt(page, SESSION, login)).toContain("host_not_allowed");
  expect(await attempt(page, LIST, { method: "POST", body: "x" })).toContain("host_not_allowed");
  expect(await context.cookies()).toEqual([]);
});
