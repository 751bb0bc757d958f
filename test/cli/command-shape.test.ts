/** The commands, their manifest and the table that loads them say the same. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { BaseCommand } from "../../src/cli/base-command.ts";
import { commandTable } from "../../src/cli/command-table.ts";

const root = path.join(import.meta.dirname, "../..");

interface ManifestCommand {
  readonly summary: string;
  readonly examples: readonly string[];
  readonly flags: Readonly<Record<string, { description?: string; default?: unknown }>>;
}

const { commands } = JSON.parse(readFileSync(path.join(root, "oclif.manifest.json"), "utf8")) as {
  commands: Readonly<Record<string, ManifestCommand>>;
};

test("the manifest lists exactly the commands of the table (npm run build)", () => {
  expect(Object.keys(commands).sort()).toEqual(Object.keys(commandTable).sort());
});

test.each(Object.keys(commandTable))("%s: manifest, help and examples are complete", async (id) => {
  const loaded = await commandTable[id]?.();
  const command = loaded?.default as unknown as typeof BaseCommand;
  const flags: Record<string, { description?: string }> = {
    ...command.baseFlags,
    ...command.flags,
  };
  const manifest = commands[id];
  expect(Object.keys(manifest?.flags ?? {}).sort()).toEqual(Object.keys(flags).sort());
  for (const [name, flag] of Object.entries(flags)) {
    expect(manifest?.flags[name]?.description).toBe(flag.description);
  }
  expect(manifest?.summary).toBe(command.summary);
  expect(command.examples.length).toBeGreaterThan(0);
});
