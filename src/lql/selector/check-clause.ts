/** Validation of one term, the same for text, URL and JSON (query-and-lql.md 3.3 and 5). */
import { canonicalNumber, isJsonNumber } from "../decimal.ts";
import { type Path, parsePath } from "../path.ts";
import { parseTemporal, temporalMacro } from "../temporal.ts";
import type { Clause, DateComparator, OrderOperator, RangeBound, TermName } from "./selector.ts";
import { SelectorFault, shown } from "./selector-fault.ts";

type Members = Readonly<Record<string, unknown>>;

const textMembers = ["field", "value", "any", "ignoreCase"];
const prefixMembers = ["field", "value", "ignoreCase"];

const membersOf: Readonly<Record<TermName, readonly string[]>> = {
  eq: ["field", "value"],
  contains: textMembers,
  icontains: textMembers,
  prefix: prefixMembers,
  iprefix: prefixMembers,
  range: ["field", "gte", "gt", "lte", "lt"],
  date: ["field", "value", "after", "before", "gte", "gt", "lte", "lt", "since"],
  in: ["field", "any"],
  exists: [],
};

/** The members a term may have, in the order in which they are written. */
export function allowedMembers(term: TermName): readonly string[] {
  return membersOf[term];
}

/**
 * The clause of a term's JSON.
 * @throws SelectorFault naming the member
 */
export function checkClause(term: TermName, json: unknown): Clause {
  if (term === "exists") return checkExists(json);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new SelectorFault(`${term} must be an object: {"field":"/path", ...}`);
  }
  const members = json as Members;
  for (const name of Object.keys(members)) {
    if (!membersOf[term].includes(name)) throw unknownMember(term, name);
  }
  const place = checkField(term, members.field);
  switch (term) {
    case "eq":
      if (place.path.length === 0) {
        throw new SelectorFault("eq cannot compare the whole document; name a member", "field");
      }
      return { kind: "eq", ...place, value: checkValue(members.value) };
    case "in":
      return { kind: "in", ...place, any: checkList(term, members.any) };
    case "contains":
    case "icontains":
    case "prefix":
    case "iprefix":
      return checkText(term, place, members);
    case "range":
      return checkRange(place, members);
    case "date":
      return checkDate(place, members);
  }
}

export function unknownMember(term: TermName, name: string): SelectorFault {
  const allowed = membersOf[term].join(", ");
  return new SelectorFault(`${term} has no member ${shown(name)}; it has ${allowed}`, name);
}

interface Place {
  readonly field: string;
  readonly path: Path;
}

function checkExists(json: unknown): Clause {
  if (typeof json !== "string") throw new SelectorFault('exists must be a path: "/a/b"');
  return { kind: "exists", ...checkField("exists", json) };
}

function checkField(term: TermName, field: unknown): Place {
  if (field === undefined || field === "") {
    throw new SelectorFault(`${term} needs a field: field=/path`, "field");
  }
  if (typeof field !== "string") {
    throw new SelectorFault(`field of ${term} must be a path: "/a/b"`, "field");
  }
  const path = parsePath(field);
  if (path === undefined || field.trim() === "") {
    const form = shown(`/${field.trim()}`);
    throw new SelectorFault(`${shown(field)} is no path; a path begins with "/": ${form}`, "field");
  }
  return { field: field.trim(), path };
}

/** The comparison text of a value; undefined when it was left out. */
function checkValue(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value === "boolean") return String(value);
  const text = typeof value === "number" ? canonicalNumber(String(value)) : undefined;
  if (text !== undefined) return text;
  throw new SelectorFault("value must be a text, a number, true, false or null", "value");
}

function checkList(term: TermName, any: unknown): readonly string[] {
  if (typeof any === "string") return listOfText(term, any);
  const form = `any of ${term} must list one text or more: ["a","b"] or a|b`;
  if (!Array.isArray(any) || any.length === 0) throw new SelectorFault(form, "any");
  return any.map((item: unknown) => {
    if (typeof item === "string" && item !== "") return item;
    throw new SelectorFault(`${form}; none of them empty`, "any");
  });
}

/** The items of `a|b`: trimmed, without empty ones. */
export function listOfText(term: TermName, text: string): readonly string[] {
  const items = text
    .split("|")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length > 0) return items;
  throw new SelectorFault(`any of ${term} lists no value: any=a|b`, "any");
}

function checkText(term: TermName, place: Place, members: Members): Clause {
  const { value, any } = members;
  if (value !== undefined && any !== undefined) {
    throw new SelectorFault(`${term} takes value or any, not both`, "any");
  }
  const flag = checkFlag(members.ignoreCase);
  return {
    kind: term === "prefix" || term === "iprefix" ? "prefix" : "contains",
    ...place,
    ignoreCase: flag || term === "icontains" || term === "iprefix",
    value: checkValue(value),
    any: any === undefined ? undefined : checkList(term, any),
  };
}

/** @throws SelectorFault when it is no flag; a flag left out is false */
export function checkFlag(flag: unknown): boolean {
  if (flag === undefined || flag === false) return false;
  if (flag === true) return true;
  const word = typeof flag === "string" ? flag.toLowerCase() : "";
  if (word === "true" || word === "t") return true;
  if (word === "false" || word === "f") return false;
  throw new SelectorFault("ignoreCase must be true or false", "ignoreCase");
}

const orderOperators: readonly OrderOperator[] = ["gte", "gt", "lte", "lt"];

function checkRange(place: Place, members: Members): Clause {
  const bounds: RangeBound[] = [];
  let sort: "number" | "temporal" | undefined;
  for (const operator of orderOperators) {
    const bound = members[operator];
    if (bound === undefined) continue;
    const text = boundText(operator, bound);
    const sortOfBound = isJsonNumber(text) ? "number" : "temporal";
    if (sort !== undefined && sort !== sortOfBound) {
      throw new SelectorFault("a range compares numbers or times, not both", operator);
    }
    sort = sortOfBound;
    bounds.push({ operator, text });
  }
  if (sort === undefined) {
    throw new SelectorFault("range needs a bound: range{field=/n,gte=1,lt=10}");
  }
  return { kind: "range", ...place, sort, bounds };
}

function boundText(operator: OrderOperator, bound: unknown): string {
  if (typeof bound === "number" || typeof bound === "string") {
    const number = canonicalNumber(String(bound));
    if (number !== undefined) return number;
    if (typeof bound === "string" && parseTemporal(bound) !== undefined) return bound;
  }
  const given = typeof bound === "string" ? `, not ${shown(bound)}` : "";
  throw new SelectorFault(
    `${operator} must be a number or a time such as 2025-03-01T10:00:00Z${given}`,
    operator,
  );
}

const dateMembers = ["value", "after", "before", "gte", "gt", "lte", "lt", "since"] as const;

const dateOperators = { after: "gt", before: "lt" } as const;

function checkDate(place: Place, members: Members): Clause {
  for (const [one, ...others] of exclusiveDateMembers) {
    for (const other of others) {
      if (members[one] !== undefined && members[other] !== undefined) {
        throw new SelectorFault(`date takes ${one} or ${other}, not both`, other);
      }
    }
  }
  const comparators: DateComparator[] = [];
  for (const member of dateMembers) {
    const literal = members[member];
    if (literal === undefined) continue;
    const operator = member === "after" || member === "before" ? dateOperators[member] : member;
    comparators.push({ operator, text: checkDateLiteral(member, literal) });
  }
  if (comparators.length === 0) {
    throw new SelectorFault("date needs a comparator: date{field=/at,after=2025-03-01}");
  }
  return { kind: "date", ...place, comparators };
}

const exclusiveDateMembers: readonly (readonly [string, ...string[]])[] = [
  ["after", "gt"],
  ["before", "lt"],
  ["since", "after", "gt", "gte"],
];

function checkDateLiteral(member: string, literal: unknown): string {
  if (typeof literal === "string") {
    if (parseTemporal(literal) !== undefined) return literal;
    const macro = member === "since" ? temporalMacro(literal) : undefined;
    if (macro !== undefined) return macro;
  }
  const macros = member === "since" ? ", now, today or yesterday" : "";
  const given = typeof literal === "string" ? `, not ${shown(literal)}` : "";
  throw new SelectorFault(
    `${member} must be a time such as 2025-03-01 or 2025-03-01T10:00:00Z${macros}${given}`,
    member,
  );
}
