/** docs/cli/ is what the manifest says: nothing missing, nothing old, nothing left over. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { exitNotes } from "../../scripts/cli-docs/exit-notes.ts";
import { readManifest } from "../../scripts/cli-docs/manifest.ts";
import { sortedByPurpose } from "../../scripts/cli-docs/purposes.ts";
import { cliDocsFolder, cliPages } from "../../scripts/cli-docs.ts";
import { exitCodes } from "../../src/api/error-registry.ts";

const commands = readManifest();
const pages = cliPages();

const stale = "docs/cli is not what oclif.manifest.json says: run `npm run build && npm run docs`";

test("docs/cli has the pages of the manifest, fresh (npm run build && npm run docs)", () => {
  const written = readdirSync(cliDocsFolder).sort();
  expect(written, stale).toEqual([...pages.keys()].sort());
  for (const [name, page] of pages) {
    expect(readFileSync(path.join(cliDocsFolder, name), "utf8"), `${name}: ${stale}`).toBe(page);
  }
});

test("every command, flag and example stands on a page", () => {
  expect(commands.length).toBeGreaterThan(40);
  for (const { id, flags, examples = [] } of commands) {
    const page = pages.get(`${id.split(":")[0]}.md`) ?? "";
    const words = ["lockd", ...id.split(":")].join(" ");
    expect(page).toContain(`# ${words}\n`);
    for (const example of examples) {
      expect(page).toContain(example.replaceAll("<%= config.bin %>", "lockd"));
    }
    for (const { name, hidden, helpGroup } of Object.values(flags)) {
      const shown = page.includes(`--${name} `) || page.includes(`--${name}\``);
      const negated = page.includes(`--[no-]${name}\``);
      if (helpGroup === undefined)
        expect(shown || negated, `${id} --${name}`).toBe(hidden !== true);
    }
  }
});

test("a command nobody told us about has a page, a place and exit codes", () => {
  const made = cliPages([
    { id: "brew", summary: "Make tea", flags: {}, args: {}, strict: true, ...noAliases },
    { id: "pot:fill", summary: "Add water", flags: {}, args: {}, strict: false, ...noAliases },
    { id: "pot:old", hidden: true, flags: {}, args: {}, strict: true, ...noAliases },
  ]);
  expect([...made.keys()]).toEqual(["README.md", "brew.md", "pot.md"]);
  expect(made.get("README.md")).toContain("## More");
  expect(made.get("pot.md")).toContain("lockd pot fill ... [FLAGS]");
  expect(made.get("brew.md")).toContain("| 8 | no server, or no store, could be used |");
});

const noAliases = { aliases: [], hiddenAliases: [] };

test("no page stands under two purposes", () => {
  const names = commands.map(({ id }) => id.split(":")[0] ?? "");
  const placed = sortedByPurpose([...new Set(names)]).flatMap((purpose) => purpose.pages);
  expect([...placed].sort()).toEqual([...new Set(names)].sort());
});

test("exit codes are codes of the contract, each with a meaning", () => {
  const known = new Set<number>([...Object.values(exitCodes), 126, 127]);
  for (const { id } of commands) {
    for (const { code, meaning } of exitNotes(id)) {
      expect(known, `${id} ${code}`).toContain(code);
      expect(meaning, `${id} ${code}`).not.toBe("");
    }
  }
});
