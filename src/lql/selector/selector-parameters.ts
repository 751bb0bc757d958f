/** Selectors in URL parameters, dotted or in braces (query-and-lql.md section 4). */
import { failure, LqlSyntaxError } from "../../api/errors.ts";
import { checkClause } from "./check-clause.ts";
import { addMember } from "./clause-text.ts";
import { selectorClausesMax } from "./limits.ts";
import type { Literal } from "./literal.ts";
import { combineClauses, type PlacedClause, readAddress } from "./node-draft.ts";
import { parseSelector } from "./parse-selector.ts";
import { isTermName, type Selector } from "./selector.ts";
import { SelectorFault, shown } from "./selector-fault.ts";
import { quoteEnd, unquote } from "./split-expressions.ts";

/**
 * The selector of the parameters whose names begin with a link or a term; others are left alone.
 * `{}` when there are none.
 *
 * @throws invalid_selector naming the parameter
 * @example selectorOfParameters(new URLSearchParams("eq.field=/status&eq.value=open"))
 */
export function selectorOfParameters(
  parameters: Iterable<readonly [name: string, value: string]>,
): Selector {
  const groups = new Map<string, ParameterGroup>();
  for (const [name, value] of sortedParameters(parameters)) addParameter(groups, name, value);
  if (groups.size > selectorClausesMax) {
    throw failure("invalid_selector", `a selector has at most ${selectorClausesMax} clauses`);
  }
  const clauses: PlacedClause[] = [];
  const names: string[] = [];
  for (const group of groups.values()) {
    clauses.push({ ...readGroup(group), at: names.length });
    names.push(group.name);
  }
  return combineClauses(clauses, "and", (fault, { at }) => fail(fault, names[at] ?? ""));
}

/** Parameters of one clause. */
interface ParameterGroup {
  /** The first of its names. */
  readonly name: string;
  /** `and.0.eq`, in lower case; of a brace form the whole clause. */
  readonly head: string;
  readonly braces: boolean;
  readonly members: { readonly name: string; readonly value: string }[];
}

function isRoot(word: string): boolean {
  return isTermName(word) || word === "and" || word === "or" || word === "not";
}

function sortedParameters(
  parameters: Iterable<readonly [name: string, value: string]>,
): (readonly [string, string])[] {
  return [...parameters]
    .filter(([name]) => isRoot((name.split(/[.{]/, 1)[0] ?? "").toLowerCase()))
    .map(([name, value]) => ({ bytes: Buffer.from(name), name, value }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ name, value }) => [name, value]);
}

function addParameter(groups: Map<string, ParameterGroup>, name: string, value: string): void {
  if (name.includes("{")) {
    // "?eq{field=/a,value=1}=" is cut at its first "=", which is inside the clause: put it back.
    const text = value === "" ? name : `${name}=${value}`;
    const head = text.endsWith("}=") ? text.slice(0, -1) : text;
    groups.set(head, { name, head, braces: true, members: [] });
    return;
  }
  const words = name.split(".");
  const isExists = words.at(-1)?.toLowerCase() === "exists";
  const member = isExists ? "" : (words.pop() ?? "");
  const head = words.join(".").toLowerCase();
  const group = groups.get(head) ?? { name, head, braces: false, members: [] };
  group.members.push({ name: member, value });
  groups.set(head, group);
}

function readGroup({ name, head, braces, members }: ParameterGroup): Omit<PlacedClause, "at"> {
  try {
    if (braces) return readBraces(head);
    const address = readAddress(head);
    const { term } = address;
    if (term === "exists") return { address, json: readExists(members) };
    const json: Record<string, unknown> = {};
    for (const member of members) addMember({ term, json }, member.name, literal(member.value));
    checkClause(term, json);
    return { address, json };
  } catch (error) {
    return fail(error, name);
  }
}

function readExists(members: ParameterGroup["members"]): string {
  const [path, ...others] = members.map(({ value }) => literal(value).text);
  if (path === undefined || others.some((other) => other !== path)) {
    throw new SelectorFault("exists is given twice, with different paths");
  }
  if (path === "") throw new SelectorFault("exists needs a path: exists=/a/b");
  checkClause("exists", path);
  return path;
}

/** A value is a literal of its own: it needs no quotes to keep blanks and commas. */
function literal(value: string): Literal {
  const text = value.trim();
  if (!text.startsWith('"') && !text.startsWith("'")) return { text, quoted: false };
  if (text.length > 1 && quoteEnd(text, 0) === text.length - 1) {
    return { text: unquote(text), quoted: true };
  }
  throw new SelectorFault(`${shown(text)} has something behind its quotes`);
}

/** One clause in braces; the text parser reads it, and its node is where the address says. */
function readBraces(text: string): Omit<PlacedClause, "at"> {
  const open = text.indexOf("{");
  const address = readAddress(text.slice(0, open));
  const { [address.term]: json } = parseSelector(`${address.term}${text.slice(open)}`);
  if (json === undefined) throw new SelectorFault("one parameter holds one clause");
  return { address, json: typeof json === "string" ? json : { ...json } };
}

function fail(error: unknown, name: string): never {
  if (error instanceof SelectorFault || error instanceof LqlSyntaxError) {
    throw failure("invalid_selector", `parameter ${shown(name)}: ${error.message}`);
  }
  throw error;
}
