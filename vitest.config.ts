import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    setupFiles: ["test/concurrent-expect.ts"],
    // Two cores everywhere this runs; a third worker uses them while the tests of another wait.
    maxWorkers: 3,
  },
});
