/** The pages people read. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** Markdown files by their path from the project's root. */
export function pages(): Map<string, string> {
  const below = (folder: string) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => path.posix.join(folder, name.split(path.sep).join("/")));
  const files = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", ...below("docs")];
  files.push(...below("examples"));
  return new Map(files.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));
}
