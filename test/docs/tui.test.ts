/** The page on the dashboard shows the screens that the tests hold, and every key there is. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { helpRows } from "../../src/tui/view-model/help-rows.ts";
import { initialState } from "../../src/tui/view-model/state.ts";

const root = path.join(import.meta.dirname, "../..");
const page = readFileSync(path.join(root, "docs/tui.md"), "utf8");
const screens = [...page.matchAll(/<!-- screen (\S+) -->\n```text\n([\s\S]*?)\n```/g)];

test("there are screens on it", () => {
  expect(screens.map(([, name]) => name)).toEqual(["overview-80x24", "keys-80x24"]);
});

test.each(screens.map(([, name, shown]) => [name, shown]))("%s", (name, shown) => {
  const file = path.join(root, "test/tui/screens", `${name}.txt`);
  expect(shown).toBe(readFileSync(file, "utf8").trimEnd());
});

test("every key and command is in its table", () => {
  const size = { columns: 80, rows: 23 };
  const options = { labels: [], writable: true, refreshMs: 2_000, size, nowMs: 0 };
  const table = [...page.matchAll(/^\| `(.+)` \| (.+) \|$/gm)].map(([, keys = "", text]) => ({
    keys: keys.replaceAll("\\|", "|"),
    text,
  }));
  const rows = helpRows(initialState(options)).filter(({ keys }) => keys !== "");
  expect(table).toEqual(rows);
});
