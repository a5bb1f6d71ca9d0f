import { defineConfig } from "@playwright/test";

/** Runs against the server of INFERQ_E2E_URL in Debian's Chromium; no browser is downloaded. */
export default defineConfig({
  testDir: "e2e",
  forbidOnly: true,
  reporter: "line",
  workers: 1,
  // Machines that build and test at once are slow; nothing waits longer than it has to.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  use: {
    baseURL: process.env.INFERQ_E2E_URL,
    launchOptions: {
      executablePath: process.env.INFERQ_E2E_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // For the test of a page that rebinds its name.
        "--host-resolver-rules=MAP rebound.test 127.0.0.1",
      ],
    },
  },
});
