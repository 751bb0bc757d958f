/** Mutation expressions as text (query-and-lql.md section 7.2). */
import { LqlSyntaxError } from "../../api/errors.ts";
import { hasWildcard, type Path, parsePath } from "../path.ts";
import {
  blockDepthMax,
  mutationPathSegmentsMax,
  mutationSegmentsMax,
  mutationsMax,
  wildcardSegmentsMax,
} from "./limits.ts";
import {
  after,
  type Piece,
  splitExpressions,
  syntaxError,
  trimmed,
  walkOutsideQuotes,
} from "./lql-text.ts";
import type { FileMode, Mutation } from "./mutation.ts";
import { inferredJson, isFiniteNumber, unquoted } from "./mutation-value.ts";
import { utcText, utcTextOf } from "./utc-text.ts";

export interface ParseMutationsOptions {
  /** What `time:...=NOW` stands for, in all expressions alike. */
  readonly now: Date;
  /** Whether values may come from local files; servers refuse them. */
  readonly files: "refuse" | "allow";
}

interface Context extends ParseMutationsOptions {
  readonly parent: Path;
  readonly depth: number;
  readonly found: Mutation[];
  /** Segments so far: of all paths, and of those with wildcards. */
  readonly segments: { all: number; wild: number };
}

/** The words in front of an expression. */
interface Prefixes {
  readonly file: FileMode | undefined;
  readonly verb: "remove" | "time" | undefined;
}

const fileWords: Readonly<Record<string, FileMode>> = {
  file: "auto",
  textfile: "text",
  base64file: "base64",
};
const removeWords = new Set(["rm", "remove", "delete", "del"]);
const prefixWord = /^(file|textfile|base64file|rm|remove|delete|del|time):\s*/i;

/**
 * Mutations in the order in which they apply. A text may hold several expressions, separated by `,`
 * or newline outside quotes and braces; an element of an array is one expression. Blank ones are
 * dropped.
 *
 * @example parseMutations("/count++, /owner{/name=\"Ada\",rm:/old}", { now, files: "refuse" })
 * @throws LqlSyntaxError with the place and the right form
 */
export function parseMutations(
  source: string | readonly string[],
  options: ParseMutationsOptions,
): Mutation[] {
  const context: Context = {
    ...options,
    parent: [],
    depth: 0,
    found: [],
    segments: { all: 0, wild: 0 },
  };
  if (typeof source === "string") {
    for (const piece of splitExpressions({ text: source, at: 0 })) parseOne(piece, context);
  } else {
    for (const [index, text] of source.entries()) parseElement(text, index, context);
  }
  return context.found;
}

function parseElement(text: string, index: number, context: Context): void {
  const piece = trimmed({ text, at: 0 });
  if (piece.text === "") return;
  try {
    parseOne(piece, context);
  } catch (error) {
    if (!(error instanceof LqlSyntaxError)) throw error;
    const message = `expression ${index + 1}: ${error.message}`;
    throw new LqlSyntaxError(message, { position: error.position });
  }
}

function tooMuch(what: string, most: number): LqlSyntaxError {
  return new LqlSyntaxError(`more than ${most} ${what}; write several requests`, { position: 0 });
}

function parseOne(piece: Piece, context: Context): void {
  const { prefixes, body } = takePrefixes(piece, context);
  if (body.text === "") throw syntaxError(piece, "nothing to change", "/path=value");
  const equals = equalsOffset(body);
  const brace = body.text.indexOf("{");
  if (body.text.endsWith("}") && brace > 0 && !body.text.slice(0, brace).includes("=")) {
    parseBlock({ piece, prefixes, body, brace }, context);
    return;
  }
  const mutation = simpleMutation({ prefixes, body, equals }, context);
  checkSize(mutation.path, context);
  context.found.push(mutation);
}

function checkSize(path: Path, { found, segments }: Context): void {
  if (found.length >= mutationsMax) throw tooMuch("expressions", mutationsMax);
  segments.all += path.length;
  if (segments.all > mutationSegmentsMax) throw tooMuch("segments", mutationSegmentsMax);
  if (hasWildcard(path)) segments.wild += path.length;
  if (segments.wild > wildcardSegmentsMax) {
    throw tooMuch("segments of paths with wildcards", wildcardSegmentsMax);
  }
}

function takePrefixes(piece: Piece, context: Context): { prefixes: Prefixes; body: Piece } {
  let file: FileMode | undefined;
  let verb: Prefixes["verb"];
  let body = piece;
  for (;;) {
    const match = prefixWord.exec(body.text);
    const word = match?.[1]?.toLowerCase();
    if (match === null || word === undefined) return { prefixes: { file, verb }, body };
    const mode = fileWords[word];
    if (mode !== undefined && context.files === "refuse") {
      throw syntaxError(body, "local files cannot be read here", "/path=value, or mutate locally");
    }
    if (file !== undefined || verb !== undefined) {
      throw syntaxError(body, `${word}: cannot follow another prefix`, "one prefix at most");
    }
    if (mode !== undefined) file = mode;
    else verb = removeWords.has(word) ? "remove" : "time";
    body = after(body, match[0].length);
  }
}

/** Offset of the first `=` outside quotes, or -1. @throws LqlSyntaxError for lone quotes, braces */
function equalsOffset(body: Piece): number {
  let equals = -1;
  walkOutsideQuotes(body, (character, offset) => {
    if (character === "=" && equals === -1) equals = offset;
  });
  return equals;
}

function parseBlock(
  block: {
    readonly piece: Piece;
    readonly prefixes: Prefixes;
    readonly body: Piece;
    readonly brace: number;
  },
  context: Context,
): void {
  const { piece, prefixes, body, brace } = block;
  if (prefixes.file !== undefined || prefixes.verb !== undefined) {
    throw syntaxError(piece, "a prefix in front of a block", "it inside: /a{rm:/b,/c=1}");
  }
  if (context.depth >= blockDepthMax) {
    throw syntaxError(piece, `blocks nested deeper than ${blockDepthMax}`, "whole paths instead");
  }
  const parent = pathOf({ text: body.text.slice(0, brace), at: body.at }, context);
  const inside = { text: body.text.slice(brace + 1, -1), at: body.at + brace + 1 };
  const items = splitExpressions(inside);
  if (items.length === 0) throw syntaxError(piece, "an empty block", "/a{/b=1,/c=2}");
  const inner = { ...context, parent, depth: context.depth + 1 };
  for (const item of items) parseOne(item, inner);
}

function simpleMutation(
  parts: { readonly prefixes: Prefixes; readonly body: Piece; readonly equals: number },
  context: Context,
): Mutation {
  const { prefixes, body, equals } = parts;
  if (prefixes.verb === "remove") return { kind: "remove", path: pathOf(body, context) };
  const isStep = /(\+\+|--)$/.test(body.text);
  if (isStep && prefixes.file === undefined && prefixes.verb === undefined) {
    const path = pathOf({ text: body.text.slice(0, -2), at: body.at }, context);
    return { kind: "add", path, delta: body.text.endsWith("++") ? "1" : "-1" };
  }
  if (isStep) throw syntaxError(body, "a step cannot have a prefix", "/count++");
  if (equals === -1) {
    throw syntaxError(body, "no operator", "/path=value, /path++ or rm:/path");
  }
  const left = { text: body.text.slice(0, equals), at: body.at };
  // A brace of the path has its partner there, not in the value, which may stand in quotes as well.
  walkOutsideQuotes(left, () => {});
  const path = pathOf(left, context);
  const value = trimmed(after(body, equals + 1));
  if (prefixes.verb === "time") return { kind: "set", path, json: timeJson(value, context) };
  if (prefixes.file !== undefined) {
    const { text } = value;
    const file = unquoted(text) ?? text;
    if (file === "") throw syntaxError(body, "no file named", "file:/path=notes.txt");
    if (isIncrement(text)) {
      throw syntaxError(value, "a file cannot be added", 'quotes around such a name: "+1"');
    }
    return { kind: "file", path, mode: prefixes.file, file };
  }
  if (isIncrement(value.text)) {
    const delta = value.text.replace(/^\+/, "");
    if (Number(delta) === 0) throw syntaxError(value, "adding zero changes nothing", "/n=+1");
    return { kind: "add", path, delta };
  }
  return { kind: "set", path, json: inferredJson(value) };
}

/** `+3`, `-0.5`: unquoted, signed, and a number. */
function isIncrement(text: string): boolean {
  return /^[+-]\d/.test(text) && isFiniteNumber(text.slice(1));
}

function timeJson(value: Piece, context: Context): string {
  const text = unquoted(value.text) ?? value.text;
  const time = text.toUpperCase() === "NOW" ? utcText(context.now) : utcTextOf(text);
  if (time !== undefined) return JSON.stringify(time);
  const problem = text === "" ? "no time given" : "not a time with zone";
  throw syntaxError(value, problem, "time:/path=NOW or time:/path=2025-01-02T03:04:05Z");
}

function pathOf(piece: Piece, context: Context): Path {
  const path = parsePath(piece.text);
  if (path === undefined || !piece.text.trimStart().startsWith("/")) {
    throw syntaxError(piece, "a path must begin with /", "/path=value");
  }
  if (path.length === 0) {
    throw syntaxError(piece, "the root itself cannot be changed", "a member: /path=value");
  }
  const whole = [...context.parent, ...path];
  if (whole.length <= mutationPathSegmentsMax) return whole;
  throw syntaxError(piece, `more than ${mutationPathSegmentsMax} segments`, "a shorter path");
}
