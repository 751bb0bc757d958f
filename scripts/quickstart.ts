/**
 * Runs the shell blocks of docs/quickstart.md in a fresh home and writes below each what it
 * printed: `npm run docs`. Blocks without a `text` block below them are left alone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { recordSession } from "./recording/shell-session.ts";

export const quickstartFile = path.join(import.meta.dirname, "..", "docs", "quickstart.md");

/** A block, and below it what it printed. */
const recorded = /```sh\n((?:(?!```).*\n)*)```\n```text\n((?:(?!```).*\n)*)```/g;

/** The shell blocks that are recorded, in their order. */
export function recordedBlocks(
  page: string,
): { readonly block: string; readonly output: string }[] {
  return [...page.matchAll(recorded)].map(([, block = "", output = ""]) => ({ block, output }));
}

/** The page with what its blocks print now. */
export function recordQuickstart(page: string): string {
  const outputs = recordSession(recordedBlocks(page).map(({ block }) => block));
  let at = 0;
  return page.replace(recorded, (_, block: string) => {
    const output = outputs[at] ?? "";
    at += 1;
    return `\`\`\`sh\n${block}\`\`\`\n\`\`\`text\n${output}\n\`\`\``;
  });
}

if (process.argv[1] === import.meta.filename) {
  const page = readFileSync(quickstartFile, "utf8");
  writeFileSync(quickstartFile, recordQuickstart(page));
}
