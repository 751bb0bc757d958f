/** Every command explains itself, with examples that its own parser understands. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "@oclif/core/parser";
import { expect, test } from "vitest";
import type { BaseCommand } from "../../src/cli/base-command.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { helpFile } from "../../src/cli/help-page.ts";

const root = path.join(import.meta.dirname, "../..");
const e2e = globSync("test/e2e/*.test.ts", { cwd: root })
  .map((file) => readFileSync(path.join(root, file), "utf8"))
  .join("\n");
const page = (id: string): string => readFileSync(path.join(root, helpFile(id)), "utf8");

async function load(id: string): Promise<typeof BaseCommand> {
  const loaded = await commandTable[id]?.();
  return loaded?.default as unknown as typeof BaseCommand;
}

/** The words of one call, up to whatever ends it in a shell line. */
function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const [at, character] of [...text].entries()) {
    if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      // The end of a script that is itself in quotes.
      if (!text.slice(at + 1).includes(character)) break;
      quote = character;
      word ??= "";
    } else if (/[|&;)<>]/.test(character)) break;
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  return word === undefined ? words : [...words, word];
}

/** Every call of lockd in an example, as words. */
function calls(example: string): string[][] {
  const text = example.replaceAll("<%= config.bin %>", "lockd");
  return [...text.matchAll(/(?<![\w./-])lockd (?=\w|-)/g)].map(({ index }) =>
    shellWords(text.slice(index + "lockd ".length)),
  );
}

function commandOf(words: readonly string[]): { id: string; rest: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const id = words.slice(0, length).join(":");
    if (commandTable[id] !== undefined) return { id, rest: words.slice(length) };
  }
  return undefined;
}

test.each(Object.keys(commandTable))("%s explains itself", async (id) => {
  const command = await load(id);
  expect(command.summary?.length).toBeGreaterThan(10);
  expect(command.description?.length).toBeGreaterThan(10);
  expect(command.examples.length).toBeGreaterThanOrEqual(2);
  expect(command.baseFlags.json.description).not.toBe("");
  for (const [name, flag] of Object.entries(command.flags)) {
    const choices = "options" in flag ? flag.options?.join() : undefined;
    expect([name, flag.description ?? choices]).not.toContain(undefined);
  }
  expect(page(id)).toContain("EXIT CODES");
  expect(page(id)).toContain("ENVIRONMENT");
});

test.each(Object.keys(commandTable))(
  "the examples of %s are calls of it that parse",
  async (id) => {
    const { examples } = await load(id);
    for (const example of examples) {
      const found = calls(example).map(commandOf);
      expect([example, found.map((call) => call?.id)]).toEqual([
        example,
        expect.arrayContaining([id]),
      ]);
      for (const call of found) {
        const { baseFlags, flags, args, strict } = await load(call?.id ?? "");
        const words = call?.rest ?? [];
        const end = words.indexOf("--");
        const own = end === -1 ? words : words.slice(0, end);
        const input = { flags: { ...baseFlags, ...flags }, args, strict } as never;
        await expect(parse([...own], input), example).resolves.toBeDefined();
      }
    }
  },
);

test.each(Object.keys(commandTable))("%s is tried from outside", (id) => {
  const [first = "", ...others] = id.split(":");
  const words = [`["' \`]${first}`, ...others].join(`(?:", "| )`);
  expect(new RegExp(`${words}["' \`]`).test(e2e)).toBe(true);
});
