import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests of the generated client against a running server; tests/contract/test_typescript_client.py starts both. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: { include: ["e2e/*.live.ts"], testTimeout: 30_000 },
});
