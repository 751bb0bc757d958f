/** `path operator value` (query-and-lql.md section 3.4). */
import { canonicalNumber } from "../decimal.ts";
import { parseTemporal } from "../temporal.ts";
import type { TermJson } from "./clause-text.ts";
import { boundJson, type Literal, literalText } from "./literal.ts";
import type { OrderOperator } from "./selector.ts";
import { shown } from "./selector-fault.ts";
import { quoteEnd, syntaxError, unquote } from "./split-expressions.ts";

export interface ShorthandClause {
  readonly term: "eq" | "range";
  readonly negated: boolean;
  readonly json: TermJson;
}

const orders: Readonly<Record<string, OrderOperator>> = {
  ">": "gt",
  ">=": "gte",
  "<": "lt",
  "<=": "lte",
};

/**
 * The clause of a shorthand that begins at offset `at`.
 * @throws LqlSyntaxError
 */
export function readShorthand(text: string, at: number): ShorthandClause {
  const { operatorAt, operator } = findOperator(text, at);
  const field = text.slice(0, operatorAt).trim();
  if (/["'{}]/.test(field)) {
    const form = 'eq{field="/a b",value=1}';
    throw syntaxError(`a path with quotes or braces needs the brace form: ${form}`, at);
  }
  const rest = text.slice(operatorAt + operator.length);
  const written = rest.trim();
  const valueAt = at + operatorAt + operator.length + rest.length - rest.trimStart().length;
  if (written === "") {
    const form = `${field}${operator}""`;
    throw syntaxError(`${shown(text)} has no value; the empty text is ${form}`, valueAt);
  }
  const literal = readLiteral(written, valueAt);
  const order = Object.hasOwn(orders, operator) ? orders[operator] : undefined;
  if (order === undefined) {
    const json = { field, value: literalText(literal) };
    return { term: "eq", negated: operator === "!=", json };
  }
  const json = { field, [order]: readBound(literal, operator, valueAt) };
  return { term: "range", negated: false, json };
}

/** The first operator outside quotes; a lone `!` is an ordinary character. */
function findOperator(text: string, at: number): { operatorAt: number; operator: string } {
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    const paired = text[i + 1] === "=";
    if (char === "\\") i += 1;
    else if (char === '"' || char === "'") i = quoteEnd(text, i);
    else if (char === "=") return { operatorAt: i, operator: paired ? "==" : "=" };
    else if (char === "!" && paired) return { operatorAt: i, operator: "!=" };
    else if (char === ">" || char === "<") {
      return { operatorAt: i, operator: paired ? `${char}=` : char };
    }
  }
  const form = `${text}=value or exists{${text}}`;
  throw syntaxError(`${shown(text)} asks nothing of the path: ${form}`, at);
}

function readLiteral(text: string, at: number): Literal {
  if (!text.startsWith('"') && !text.startsWith("'")) return { text, quoted: false };
  const end = quoteEnd(text, 0);
  if (end === text.length - 1) return { text: unquote(text), quoted: true };
  throw syntaxError("nothing may follow a quoted value but a comma or a newline", at + end + 1);
}

function readBound({ text, quoted }: Literal, operator: string, at: number): number | string {
  if (!quoted && canonicalNumber(text) !== undefined) return boundJson(text);
  if (parseTemporal(text) !== undefined) return text;
  throw syntaxError(
    `${operator} compares with an unquoted number or a time such as 2025-03-01T10:00:00Z, ` +
      `not ${shown(text)}`,
    at,
  );
}
