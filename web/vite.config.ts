import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const api = process.env.INFERQ_API_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/inferq/web_dist",
    emptyOutDir: true,
    manifest: true,
    // Their licences ask to be passed on with the packages that are bundled.
    license: { fileName: "licenses.md" },
    // The server's content security policy allows no inline script.
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "docs.html"] },
    chunkSizeWarningLimit: 2000,
  },
  server: { proxy: { "/api": api } },
  test: { include: ["src/**/*.test.ts"] },
});
