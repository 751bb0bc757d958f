/** The text form of selectors (query-and-lql.md section 3). */
import type { LqlSyntaxError } from "../../api/errors.ts";
import { checkClause } from "./check-clause.ts";
import { readClauseBody, type TermText } from "./clause-text.ts";
import { selectorClausesMax, selectorTextLengthMax } from "./limits.ts";
import {
  type ClauseAddress,
  combineClauses,
  type Link,
  type PlacedClause,
  readAddress,
} from "./node-draft.ts";
import { isTermName, type Selector } from "./selector.ts";
import { SelectorFault, shown } from "./selector-fault.ts";
import { readShorthand } from "./shorthand.ts";
import { type Expression, splitExpressions, syntaxError } from "./split-expressions.ts";

export interface ParseOptions {
  /** What joins expressions that do not say it themselves; `and`. */
  readonly mode?: "and" | "or";
}

const matchAll = new Set(["{}", ".", "/"]);
const noMembers: TermText["memberAt"] = new Map();
const not: Link = { kind: "not" };

/**
 * The JSON form of a selector text; `{}` when it matches everything.
 *
 * @throws LqlSyntaxError with the position of what is wrong and the right form
 * @example parseSelector("/status=open, /n>=10")
 */
export function parseSelector(text: string, options: ParseOptions = {}): Selector {
  if (text.length > selectorTextLengthMax) {
    throw syntaxError(`a selector has at most ${selectorTextLengthMax} characters`, 0);
  }
  const clauses = splitExpressions(text)
    .filter((expression) => !matchAll.has(expression.text))
    .map(readExpression);
  if (clauses.length > selectorClausesMax) {
    throw syntaxError(`a selector has at most ${selectorClausesMax} clauses`, 0);
  }
  return combineClauses(clauses, options.mode ?? "and", (fault, { at }) => {
    throw asSyntaxError(fault, at);
  });
}

function asSyntaxError(fault: unknown, at: number): LqlSyntaxError {
  if (fault instanceof SelectorFault) return syntaxError(fault.message, at);
  throw fault;
}

function readExpression(expression: Expression): PlacedClause {
  const { text, at } = expression;
  if (text.startsWith("/")) {
    const { term, negated, json } = readShorthand(text, at);
    const address: ClauseAddress = { links: negated ? [not] : [], term };
    return checked({ address, json, at }, noMembers);
  }
  const address = readHead(expression);
  const bodyAt = at + expression.open + 1;
  const body = text.slice(expression.open + 1, expression.close);
  const { json, memberAt } = readClauseBody(address.term, body, bodyAt);
  return checked({ address, json, at }, memberAt);
}

function readHead({ text, at, open, close }: Expression): ClauseAddress {
  if (open === -1) throw noClause(text, at);
  if (close !== text.length - 1) {
    throw syntaxError('a comma or a newline must follow "}"', at + close + 1);
  }
  try {
    return readAddress(text.slice(0, open).trimEnd());
  } catch (error) {
    throw asSyntaxError(error, at);
  }
}

function noClause(text: string, at: number): LqlSyntaxError {
  const first = (text.split(".")[0] ?? "").toLowerCase();
  if (isTermName(first) || first === "and" || first === "or" || first === "not") {
    return syntaxError(`${shown(text)} has no body in braces: eq{field=/a,value=b}`, at);
  }
  const form = /[=<>]/.test(text) ? `/${text}` : "/path=value or eq{field=/path,value=...}";
  return syntaxError(`${shown(text)} is no clause; paths begin with "/": ${form}`, at);
}

/** The same check as of the JSON form, with positions in the text. */
function checked(clause: PlacedClause, memberAt: TermText["memberAt"]): PlacedClause {
  try {
    checkClause(clause.address.term, clause.json);
    return clause;
  } catch (error) {
    const member = error instanceof SelectorFault ? error.member : undefined;
    const at = member === undefined ? undefined : memberAt.get(member);
    throw asSyntaxError(error, at ?? clause.at);
  }
}
