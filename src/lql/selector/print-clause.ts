/** Clauses as text: the short form where it is one, else braces. */
import { literalText } from "./literal.ts";
import type { Clause } from "./selector.ts";
import { termOf } from "./term-json.ts";

const shortPath = /^\/[A-Za-z0-9_/.*[\]~-]*$/;
const shortValue = /^[A-Za-z0-9_.:+/-]+$/;
const signs = { gte: ">=", gt: ">", lte: "<=", lt: "<" } as const;

/** The expression of one clause behind a prefix such as `and.0.not.`. */
export function printClause(clause: Clause, prefix: string): string {
  return shorthand(clause, prefix) ?? `${prefix}${termOf(clause)}{${body(clause)}}`;
}

function shorthand(clause: Clause, prefix: string): string | undefined {
  if (!shortPath.test(clause.field)) return undefined;
  if (clause.kind === "eq" && clause.value !== undefined) {
    if (prefix === "") return `${clause.field}=${printValue(clause.value)}`;
    if (prefix === "not.") return `${clause.field}!=${printValue(clause.value)}`;
  }
  const [bound, other] = clause.kind === "range" ? clause.bounds : [];
  if (bound === undefined || other !== undefined || prefix !== "") return undefined;
  return `${clause.field}${signs[bound.operator]}${bound.text}`;
}

function body(clause: Clause): string {
  const field = shortPath.test(clause.field) ? clause.field : quoted(clause.field);
  if (clause.kind === "exists") return field;
  const members = [`field=${field}`];
  switch (clause.kind) {
    case "eq":
      if (clause.value !== undefined) members.push(`value=${printValue(clause.value)}`);
      break;
    case "in":
      members.push(`any=${printList(clause.any)}`);
      break;
    case "contains":
    case "prefix":
      if (clause.value !== undefined) members.push(`value=${printValue(clause.value)}`);
      if (clause.any !== undefined) members.push(`any=${printList(clause.any)}`);
      break;
    case "range":
      members.push(...clause.bounds.map(({ operator, text }) => `${operator}=${text}`));
      break;
    case "date":
      members.push(...clause.comparators.map(({ operator, text }) => `${operator}=${text}`));
      break;
  }
  return members.join(",");
}

/** Unquoted only where reading it gives the same text again. */
function printValue(value: string): string {
  const plain = shortValue.test(value) && literalText({ text: value, quoted: false }) === value;
  return plain ? value : quoted(value);
}

function printList(items: readonly string[]): string {
  const plain = items.every((item) => printValue(item) === item);
  return plain ? items.join("|") : quoted(items.join("|"));
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
