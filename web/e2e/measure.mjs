/**
 * What a reader waits for: from drop to boxes, and what two hundred photographs at once do to the page.
 * `make bench-web` runs it and writes benchmarks/results/web.md; it prints JSON, times in milliseconds.
 */
import { readFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const [, , photo, drops, many] = process.argv;
const { INFERQ_E2E_URL: server, INFERQ_E2E_CHROMIUM: executablePath } = process.env;
const picture = readFileSync(photo).toString("base64");

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
await context.request.post(`${server}/api/v1/auth/session`, {
  data: { username: "ml_user", password: "CBSy3NaBMxLF" },
});
const page = await context.newPage();

const single = [];
for (let turn = 0; turn < Number(drops); turn++) {
  await open(1);
  single.push(await page.evaluate(dropOne));
}
await open(Number(many));
const heapBefore = await usedHeap();
const together = await page.evaluate(dropAll);
console.log(
  JSON.stringify({ single, together: { ...together, heapBefore, heap: await usedHeap() } }),
);
await browser.close();

/** Opens the page as a reader finds it who has not dropped anything yet; files lie ready inside it. */
async function open(count) {
  await page.goto(`${server}/`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  // What is fetched while nobody waits for it has come.
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => name.includes("/viewer-")),
  );
  await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
  await page.evaluate(
    ([encoded, length]) => {
      const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
      const chosen = new DataTransfer();
      for (let index = 0; index < length; index++) {
        chosen.items.add(new File([bytes], `photo-${index}.jpg`, { type: "image/jpeg" }));
      }
      window.chosen = chosen.files;
      window.drop = () => {
        const input = document.querySelector("input[type=file]");
        input.files = window.chosen;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      };
    },
    [picture, count],
  );
}

/** Drops one photograph; the wall-clock times at which things happened to it. */
async function dropOne() {
  const wall = (time) => performance.timeOrigin + time;
  const boxes = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (document.querySelector("[data-testid=boxes] g")) {
        observer.disconnect();
        // After the frame that shows them.
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
  const dropped = performance.now();
  window.drop();
  const painted = await boxes;
  const sent = performance
    .getEntriesByType("resource")
    .findLast(({ name }) => name.endsWith("/api/v1/predictions"));
  const batch = new URLSearchParams(location.search).get("batch");
  const answer = await fetch(`/api/v1/predictions?batch=${encodeURIComponent(batch)}`);
  const [prediction] = (await answer.json()).items;
  return {
    dropped: wall(dropped),
    sent: wall(sent.startTime),
    answered: wall(sent.responseEnd),
    created: Date.parse(prediction.created_at),
    finished: Date.parse(prediction.finished_at),
    painted: wall(painted),
  };
}

/** Drops all photographs that lie ready; how long until all have ended, and the tasks that held the page up. */
async function dropAll() {
  const tasks = [];
  new PerformanceObserver((list) => {
    tasks.push(...list.getEntries().map(({ duration }) => duration));
  }).observe({ type: "longtask" });
  const done = new RegExp(`^${window.chosen.length} of ${window.chosen.length} done`);
  const ended = new Promise((resolve) => {
    const look = setInterval(() => {
      const texts = [...document.querySelectorAll("[role=status]")].map((one) => one.textContent);
      if (texts.some((text) => done.test(text ?? ""))) {
        clearInterval(look);
        resolve(performance.now());
      }
    }, 100);
  });
  const dropped = performance.now();
  window.drop();
  const took = (await ended) - dropped;
  return { took, tasks: tasks.sort((one, other) => other - one) };
}

async function usedHeap() {
  const session = await context.newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}
