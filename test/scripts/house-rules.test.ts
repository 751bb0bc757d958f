/** Each house rule is shown to fire, and to stay silent on the right form. */
import { describe, expect, test } from "vitest";
import { engineFindings } from "../../scripts/house-rules/engine-rules.ts";
import { exceptionFindings } from "../../scripts/house-rules/exception-rules.ts";
import { importFindings } from "../../scripts/house-rules/import-rules.ts";
import { sizeFindings } from "../../scripts/house-rules/size-rules.ts";
import { type Finding, parseModule } from "../../scripts/house-rules/source-tree.ts";

function rulesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ rule }) => rule);
}

describe("import rules", () => {
  test.each([
    ["src/engine/a.ts", 'import { x } from "../storage/open.ts";'],
    ["src/api/a.ts", 'import { x } from "../engine/limits.ts";'],
    ["src/server/a.ts", 'import { x } from "../engine/engine.ts";'],
    ["src/commands/a.ts", 'import { Engine } from "../engine/engine.ts";'],
    ["src/client/a.ts", 'import { x } from "../commands/get.ts";'],
  ])("%s may not: %s", (file, text) => {
    expect(rulesOf(importFindings([parseModule(file, text)]))).toEqual(["import-direction"]);
  });

  test.each([
    ["src/engine/a.ts", 'import { x } from "../api/errors.ts";'],
    ["src/commands/a.ts", 'const e = await import("../engine/engine.ts");'],
    ["src/commands/a.ts", 'import type { Engine } from "../engine/engine.ts";'],
    ["src/storage/a.ts", 'import type { Store } from "../engine/ports/store.ts";'],
  ])("%s may: %s", (file, text) => {
    expect(importFindings([parseModule(file, text)])).toEqual([]);
  });

  test("a run-time cycle is found, a cycle of types is not", () => {
    const cycle = (kind: string) => [
      parseModule("src/api/a.ts", `import ${kind}{ B } from "./b.ts";`),
      parseModule("src/api/b.ts", `import ${kind}{ A } from "./a.ts";`),
    ];
    expect(rulesOf(importFindings(cycle("")))).toEqual(["import-cycle"]);
    expect(importFindings(cycle("type "))).toEqual([]);
  });
});

describe("engine purity", () => {
  test.each([
    "const now = Date.now();",
    "const now = new Date();",
    "setTimeout(() => {}, 5);",
    "const n = Math.random();",
    "const v = process.env.HOME;",
    'import { readFile } from "node:fs/promises";',
    'import { randomBytes } from "node:crypto";',
    'import * as zlib from "node:zlib";',
    'import { z } from "zod";',
  ])("refused: %s", (text) => {
    expect(rulesOf(engineFindings([parseModule("src/engine/a.ts", text)]))).toEqual([
      "engine-purity",
    ]);
  });

  test.each([
    "const at = new Date(5).toISOString();",
    'import { createHash } from "node:crypto";',
    "interface Port { fetch(): void; readonly process: string }",
    "const x = port.process;",
  ])("accepted: %s", (text) => {
    expect(engineFindings([parseModule("src/engine/a.ts", text)])).toEqual([]);
  });
});

describe("sizes and names", () => {
  const body = (lines: number) => `${"  x += 1;\n".repeat(lines)}`;

  test.each([
    ["file-length", "src/api/a.ts", "const a = 1;\n".repeat(401)],
    ["command-length", "src/commands/a.ts", "const a = 1;\n".repeat(81)],
    ["function-length", "src/api/a.ts", `function f(x: number) {\n${body(70)}}\n`],
    ["parameters", "src/api/a.ts", "function f(a: 1, b: 2, c: 3, d: 4) {}\n"],
    ["columns", "src/api/a.ts", `const a = "${"x".repeat(100)}";\n`],
    ["module-state", "src/api/a.ts", "let counter = 0;\n"],
    ["default-export", "src/api/a.ts", "export default function f() {}\n"],
    ["file-name", "src/api/utils.ts", "const a = 1;\n"],
    ["file-name", "src/api/someThing.ts", "const a = 1;\n"],
  ])("%s", (rule, file, text) => {
    expect(rulesOf(sizeFindings([parseModule(file, text)]))).toEqual([rule]);
  });

  test("what the rules allow", () => {
    const text = `export const a = 1;\nexport function f(a: 1, b: 2, c: 3) {\n${body(60)}}\n`;
    expect(sizeFindings([parseModule("src/api/good-name.ts", text)])).toEqual([]);
  });
});

test("a lint exception says why", () => {
  const bare = `// biome-${"ignore"} lint/suspicious/noExplicitAny: x`;
  const reasoned = `// biome-${"ignore"} lint/suspicious/noExplicitAny: the driver types it so`;
  const compiler = `// @ts-${"ignore"} because I say so and for no other reason`;
  const rules = (text: string) => rulesOf(exceptionFindings([parseModule("src/api/a.ts", text)]));
  expect(rules(bare)).toEqual(["exception"]);
  expect(rules(reasoned)).toEqual([]);
  expect(rules(compiler)).toEqual(["exception"]);
});
