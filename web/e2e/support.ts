import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Locator, type Page } from "@playwright/test";

/** Photographs by name: tests/e2e/test_page.py makes them. */
export const photos = JSON.parse(process.env.INFERQ_E2E_PHOTOS ?? "{}") as Record<string, string>;
const screenshots = process.env.INFERQ_E2E_SCREENSHOTS;

interface Fixtures {
  /** Whether the browser may complain: it logs each refusal of the server as an error. */
  quiet: boolean;
}

/** The account that `inferq up` offers on loopback. */
export const DEMO = { username: "ml_user", password: "CBSy3NaBMxLF" };

/** A test of who is signed in, during which nothing is ever asked of another host, and nothing breaks in silence. */
export const test = base.extend<Fixtures>({
  quiet: [true, { option: true }],
  page: async ({ page, baseURL, quiet }, use) => {
    await page.request.post("/api/v1/auth/session", { data: DEMO });
    const foreign: string[] = [];
    const broken: string[] = [];
    page.on("request", (request) => {
      const url = request.url();
      if (![`${baseURL}/`, "blob:", "data:"].some((start) => url.startsWith(start))) {
        foreign.push(url);
      }
    });
    page.on("pageerror", (error) => broken.push(error.message));
    page.on("console", (message) => {
      if (quiet && message.type() === "error") {
        broken.push(message.text());
      }
    });
    await use(page);
    expect(foreign).toEqual([]);
    expect(broken).toEqual([]);
  },
});

/** Chooses files as if they were dropped. */
export async function drop(page: Page, ...names: string[]): Promise<void> {
  await input(page).setInputFiles(names.map((name) => photos[name] ?? name));
}

/** Chooses many files: the photographs in turn, each with a name of its own. */
export async function dropMany(page: Page, count: number, prefix = "photo"): Promise<void> {
  const pictures = ["chelsea", "coffee", "astronaut"].map((name) =>
    readFileSync(photos[name] ?? ""),
  );
  await input(page).setInputFiles(
    Array.from({ length: count }, (_, index) => ({
      name: `${prefix}-${index}.jpg`,
      mimeType: "image/jpeg",
      buffer: pictures[index % pictures.length] ?? Buffer.of(),
    })),
  );
}

function input(page: Page): Locator {
  return page.getByLabel(/^(Photographs|Ảnh)$/).first();
}

/** Fails where a person with a disability would meet an obstacle that a program can find; or looks at colours alone. */
export async function expectAccessible(page: Page, only?: "colors"): Promise<void> {
  // The pages have no frames, whose results another page would have to put together: that takes half of the time.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (only
    ? axe.withRules(["color-contrast", "link-in-text-block"])
    : axe
  ).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

/** Waits until nothing on the page moves any more, colours included. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const moving = document
      .getAnimations()
      .filter((one) => one.effect?.getTiming().iterations === 1);
    await Promise.allSettled(moving.map(({ finished }) => finished));
  });
}

/** Fails where the page, its head or its foot is wider than the window. */
export async function expectFits(page: Page): Promise<void> {
  const tooWide = await page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("header, footer")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ tagName }) => tagName),
  );
  expect(tooWide).toEqual([]);
}

/** Keeps a picture of the page, where somebody wants to look at it. */
export async function keep(page: Page, name: string): Promise<void> {
  if (screenshots) {
    await page.screenshot({ path: `${screenshots}/${name}.png` });
  }
}

/** Counts the requests that the page makes from now on. */
export function countRequests(page: Page): () => number {
  let requests = 0;
  page.on("request", () => requests++);
  return () => requests;
}

export { expect };
