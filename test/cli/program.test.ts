/** What a start knows of the commands: made with the build, else from oclif's manifest. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import {
  commandId,
  outlineFile,
  outlineOf,
  readManifest,
  readProgram,
  vocabulary,
} from "../../src/cli/program.ts";

const root = path.join(import.meta.dirname, "../..");

test("the outline of the build says what the manifest says", () => {
  const built = JSON.parse(readFileSync(path.join(root, outlineFile), "utf8"));
  expect(built).toEqual(outlineOf(readManifest(root)));
});

test("without a build the manifest is asked, and a broken outline is an error", () => {
  const place = mkdtempSync(path.join(tmpdir(), "lockd-program-"));
  try {
    copyFileSync(path.join(root, "oclif.manifest.json"), path.join(place, "oclif.manifest.json"));
    expect(readProgram(place)).toEqual({ ...readProgram(root), root: place });
    mkdirSync(path.join(place, "dist"));
    writeFileSync(path.join(place, outlineFile), "{");
    expect(() => readProgram(place)).toThrow(SyntaxError);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});

test("aliases lead to their command, and flags of the server may stand in front", () => {
  const manifest = {
    version: "1.2.3",
    commands: {
      serve: {
        id: "serve",
        flags: {
          store: { name: "store", char: "s", type: "option" },
          loud: { name: "loud", type: "boolean" },
        },
      },
      "queue:ls": { id: "queue:ls", aliases: ["queue:list"], hiddenAliases: ["q"], flags: {} },
      spare: { id: "spare", hidden: true, aliases: [], flags: {} },
    },
  } as const;
  const program = { root: "/", ...outlineOf(manifest) };
  expect(program.commands).toEqual([
    { id: "serve" },
    { id: "queue:ls", aliases: ["queue:list"], hiddenAliases: ["q"] },
    { id: "spare", hidden: true },
  ]);
  const ids = ["serve", "queue:list", "q", "nobody"].map((name) => commandId(program, name));
  expect(ids).toEqual(["serve", "queue:ls", "queue:ls", "nobody"]);
  expect(vocabulary(program)).toEqual({
    commands: new Set(["serve", "queue:ls", "queue:list", "q", "spare"]),
    leadingFlags: [
      { name: "store", char: "s", takesValue: true },
      { name: "loud", takesValue: false },
    ],
  });
});
