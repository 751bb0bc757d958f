/** Every relative link of every page leads to a file that is there, and to a heading in it. */
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { pages } from "./pages.ts";

const root = path.join(import.meta.dirname, "../..");
const all = pages();

function exists(file: string): boolean {
  return existsSync(path.join(root, file));
}

function withoutCode(page: string): string {
  return page.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "`code`");
}

function linksOf(page: string): string[] {
  const targets = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Anchors of a page's headings, as Markdown viewers make them. */
function anchorsOf(page: string): Set<string> {
  const headings = page.replace(/```[\s\S]*?```/g, "").matchAll(/^#{1,6} (.+)$/gm);
  const anchors = new Set<string>();
  for (const [, heading = ""] of headings) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const base = text
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    let name = base;
    for (let again = 1; anchors.has(name); again += 1) name = `${base}-${again}`;
    anchors.add(name);
  }
  return anchors;
}

/** What is wrong with a link of the page; undefined when nothing is. */
function faultOf(from: string, link: string): string | undefined {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? from : path.posix.join(path.posix.dirname(from), file);
  const place = path.join(root, target);
  if (!exists(target)) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  if (statSync(place).isDirectory() || !target.endsWith(".md")) return `${link}: no headings there`;
  return anchorsOf(readFileSync(place, "utf8")).has(anchor)
    ? undefined
    : `${link}: no such heading`;
}

test.each([...all])("%s", (from, page) => {
  const faults = linksOf(page).map((link) => faultOf(from, link));
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

test.each([...all])("%s names files of this project that are there", (_, page) => {
  const named = [...page.matchAll(/`((?:src|test|docs|scripts|bench|examples)\/[a-z][\w./-]+)`/g)];
  const missing = named.map(([, file = ""]) => file).filter((file) => !exists(file));
  expect(missing).toEqual([]);
});

test("every page is linked from some other", () => {
  const linked = new Set<string>();
  for (const [from, page] of all) {
    for (const link of linksOf(page)) {
      const [file = ""] = link.split("#");
      if (file !== "") linked.add(path.posix.join(path.posix.dirname(from), file));
    }
  }
  const alone = [...all.keys()].filter((file) => file !== "README.md" && !linked.has(file));
  expect(alone.filter((file) => !linked.has(`${path.posix.dirname(file)}/`))).toEqual([]);
});

test("dead links and headings are noticed", () => {
  expect(faultOf("README.md", "docs/nowhere.md")).toContain("there is no docs/nowhere.md");
  expect(faultOf("docs/run.md", "#no-such-heading")).toContain("no such heading");
  expect(faultOf("docs/work.md", "run.md#self-fencing")).toBeUndefined();
});
