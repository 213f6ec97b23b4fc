import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    execArgv: ["--import", new URL("./test/typescript.mjs", import.meta.url).href],
    // Modules hold no state that a test could spoil for another, and loading them anew for each file takes most of the time.
    isolate: false,
    // Two cores: more workers only take memory from the tests that train or search.
    maxWorkers: 2,
    reporters: process.env.CI ? ["default", ["json", { outputFile: "test-results.json" }]] : ["default"],
  },
});
