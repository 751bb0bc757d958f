/** Everything that docs/lql.md says in examples is true. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { matchSelector } from "../../src/lql/match/match-selector.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/lql.md"), "utf8");

/** The text of a heading's section up to the next heading of its level or above. */
function section(heading: string): string {
  const from = page.indexOf(`\n## ${heading}\n`);
  const to = page.indexOf("\n## ", from + 4);
  return page.slice(from, to === -1 ? undefined : to);
}

const selectors = section("Selectors");

/** Cells of the rows of a table that begin with code; a bar in a cell is written `\|`. */
function rows(text: string): string[][] {
  return [...text.matchAll(/^\| (`.*|\(empty\).*) \|$/gm)].map(([, row = ""]) =>
    row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")),
  );
}

const code = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? "";

describe("the table of forms", () => {
  const [forms = ""] = selectors.split("\n### ");
  const entries = rows(forms);

  it("is there", () => {
    expect(entries.length).toBeGreaterThanOrEqual(15);
  });

  it.each(entries)("%s has the JSON form %s", (text, json) => {
    const parsed = checkSelector(parseSelector(text === "(empty)" ? "" : code(text)));
    expect(parsed).toEqual(checkSelector(JSON.parse(code(json ?? ""))));
  });
});

describe("the worked examples", () => {
  const examples = selectors
    .split("\n### Example: ")
    .slice(1)
    .map((text) => ({
      title: text.slice(0, text.indexOf("\n")),
      selector: /```lql\n((?:.|\n)*?)\n```/.exec(text)?.[1] ?? "",
      documents: rows(text),
    }));

  it("are ten or more", () => {
    expect(examples.length).toBeGreaterThanOrEqual(10);
  });

  it.each(examples)("$title", ({ selector, documents }) => {
    expect(documents.length).toBeGreaterThanOrEqual(2);
    for (const [document = "", answer] of documents) {
      expect(["matches", "no"]).toContain(answer);
      const matched = matchSelector(parseSelector(selector), code(document));
      expect(matched ? "matches" : "no", `${selector} on ${document}`).toBe(answer);
    }
  });
});
