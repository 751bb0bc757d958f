/** Clauses back to the JSON of their terms. */
import { boundJson } from "./literal.ts";
import type { Clause, Selector, TermName } from "./selector.ts";

/** The term a clause is written as. */
export function termOf(clause: Clause): TermName {
  if (clause.kind === "contains") return clause.ignoreCase ? "icontains" : "contains";
  if (clause.kind === "prefix") return clause.ignoreCase ? "iprefix" : "prefix";
  return clause.kind;
}

/** A node with just this clause. A value left out stays out; "" stays "". */
export function clauseJson(clause: Clause): Selector {
  return { [termOf(clause)]: termJson(clause) };
}

function termJson(clause: Clause): unknown {
  const { field } = clause;
  switch (clause.kind) {
    case "exists":
      return field;
    case "eq":
      return { field, ...valueJson(clause.value) };
    case "in":
      return { field, any: clause.any };
    case "contains":
    case "prefix":
      return {
        field,
        ...valueJson(clause.value),
        ...(clause.any === undefined ? {} : { any: clause.any }),
      };
    case "range": {
      const bounds = clause.bounds.map(({ operator, text }) => [operator, boundJson(text)]);
      return { field, ...Object.fromEntries(bounds) };
    }
    case "date": {
      const comparators = clause.comparators.map(({ operator, text }) => [operator, text]);
      return { field, ...Object.fromEntries(comparators) };
    }
  }
}

function valueJson(value: string | undefined): { value?: string } {
  return value === undefined ? {} : { value };
}
