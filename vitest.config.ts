import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    setupFiles: ["test/concurrent-expect.ts"],
    // Two cores everywhere this runs: more workers only make timings jitter.
    maxWorkers: 2,
  },
});
