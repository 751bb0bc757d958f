/** Every environment variable that a page names is one that lockd knows. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { pages } from "./pages.ts";

const root = path.join(import.meta.dirname, "../..");
const code = globSync("{src,bin}/**/*.{ts,tsx,js,cjs}", { cwd: root })
  .map((file) => readFileSync(path.join(root, file), "utf8"))
  .join("\n");

function unknownOn(page: string): string[] {
  const named = page.match(/\bLOCKD_[A-Z_]*[A-Z]\b/g) ?? [];
  return [...new Set(named)].filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
}

test.each([...pages()])("%s", (_, page) => {
  expect(unknownOn(page)).toEqual([]);
});

test("one that nobody reads is noticed", () => {
  expect(unknownOn("set LOCKD_CLIENT_SERVER and LOCKD_NO_SUCH_THING")).toEqual([
    "LOCKD_NO_SUCH_THING",
  ]);
});
