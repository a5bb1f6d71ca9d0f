/**
 * Measures from drop to boxes, and what 200 photographs at once do to the page: with `inferq up` running,
 * `INFERQ_E2E_URL=http://127.0.0.1:8000 node e2e/measure.mjs PHOTO`. Results: benchmarks/results/web.md.
 */
import { readFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const URL_ = process.env.INFERQ_E2E_URL;
const browser = await chromium.launch({
  executablePath: process.env.INFERQ_E2E_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
await context.request.post(`${URL_}/api/v1/auth/session`, {
  data: { username: "ml_user", password: "CBSy3NaBMxLF" },
});
const page = await context.newPage();
const photo = readFileSync(process.argv[2]);
const rows = [];
for (let i = 0; i < 12; i++) {
  await page.goto(`${URL_}/`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForTimeout(1500);
  await page.evaluate(() => {
    window.t = {};
    document.querySelector("input[type=file]").addEventListener(
      "change",
      () => {
        window.t.drop = performance.now();
      },
      { capture: true },
    );
    new MutationObserver((_, o) => {
      if (document.querySelector("[data-testid=boxes] g")) {
        o.disconnect();
        requestAnimationFrame(() => {
          const c = new MessageChannel();
          c.port1.onmessage = () => {
            window.t.boxes = performance.now();
          };
          c.port2.postMessage(0);
        });
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles({ name: `c${i}.jpg`, mimeType: "image/jpeg", buffer: photo });
  await page.waitForFunction(() => window.t.boxes);
  const out = await page.evaluate(async () => {
    const r = performance
      .getEntriesByType("resource")
      .filter((e) => e.name.endsWith("/api/v1/predictions"))
      .at(-1);
    return {
      total: window.t.boxes - window.t.drop,
      post: r ? [r.startTime - window.t.drop, r.duration] : null,
      drop: window.t.drop,
    };
  });
  const id = await page.evaluate(async () => {
    const b = new URLSearchParams(location.search).get("batch");
    const x = await (await fetch(`/api/v1/predictions?batch=${encodeURIComponent(b)}`)).json();
    return x.items[0].timings_ms;
  });
  rows.push({ ...out, server: id.total });
}
console.log(
  rows
    .map(
      (r) =>
        `${r.total.toFixed(0)} = post at ${r.post?.[0].toFixed(0)}, took ${r.post?.[1].toFixed(0)}; server total ${r.server.toFixed(0)}`,
    )
    .join("\n"),
);
await page.goto(`${URL_}/`);
await page.getByRole("heading", { level: 1 }).waitFor();
await page.waitForTimeout(1500);
await page.evaluate(() => {
  window.long = [];
  new PerformanceObserver((l) => {
    for (const e of l.getEntries()) window.long.push(Math.round(e.duration));
  }).observe({ type: "longtask", buffered: false });
});
const files = Array.from({ length: 200 }, (_, i) => ({
  name: `p-${i}.jpg`,
  mimeType: "image/jpeg",
  buffer: photo,
}));
const t0 = Date.now();
await page.locator("input[type=file]").first().setInputFiles(files);
await page.getByText("200 of 200 done").waitFor({ timeout: 400000 });
console.log(
  "200 done in",
  Date.now() - t0,
  "long tasks",
  JSON.stringify((await page.evaluate(() => window.long)).sort((a, b) => b - a).slice(0, 12)),
  "heap MB",
  await page.evaluate(() =>
    performance.memory ? Math.round(performance.memory.usedJSHeapSize / 1e6) : null,
  ),
);
await browser.close();
