import { printPath } from "../path.ts";
import type { FileMode, Mutation } from "./mutation.ts";

const fileWords: Readonly<Record<FileMode, string>> = {
  auto: "file:",
  text: "textfile:",
  base64: "base64file:",
};

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * One mutation as one expression; parsing it gives the same mutation again. Strings that only a
 * program can make (the string "42") come out as what the text stands for.
 *
 * @example printMutation({ kind: "add", path, delta: "1" }) // /count++
 */
export function printMutation(mutation: Mutation): string {
  const path = printPath(mutation.path);
  switch (mutation.kind) {
    case "remove":
      return `rm:${path}`;
    case "file":
      return `${fileWords[mutation.mode]}${path}=${quoted(mutation.file)}`;
    case "add":
      return printAdd(path, mutation.delta);
    case "set":
      return `${path}=${printValue(mutation.json)}`;
  }
}

function printAdd(path: string, delta: string): string {
  if (delta === "1") return `${path}++`;
  if (delta === "-1") return `${path}--`;
  return delta.startsWith("-") ? `${path}=${delta}` : `${path}=+${delta}`;
}

function printValue(json: string): string {
  if (json.startsWith('"')) return quoted(JSON.parse(json) as string);
  // Without quotes the sign would make a step of it.
  return json.startsWith("-") ? quoted(json) : json;
}
