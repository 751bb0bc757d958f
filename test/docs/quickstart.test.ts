/** The recorded session of docs/quickstart.md is what its commands print now. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { quickstartFile, recordedBlocks, recordQuickstart } from "../../scripts/quickstart.ts";
import { sessionMsMax } from "../../scripts/recording/shell-session.ts";

const page = readFileSync(quickstartFile, "utf8");

test("it shows a command under a lease, a state, files, a queue, keys together, the screen", () => {
  const commands = recordedBlocks(page).map(({ block }) => block);
  for (const words of ["run", "acquire", "update --if-version", "attachments", "work", "tui"]) {
    expect(
      commands.some((block) => block.includes(`lockd ${words}`)),
      words,
    ).toBe(true);
  }
  for (const { block, output } of recordedBlocks(page)) {
    expect(output, block).not.toBe("");
    expect(output, block).not.toContain("lockd: usage");
  }
});

test(
  "everything is printed as shown (npm run docs)",
  () => {
    expect(recordQuickstart(page), "run `npm run build && npm run docs`").toBe(page);
  },
  sessionMsMax,
);
