/**
 * Selectors in their two forms: {@link Selector}, the JSON that travels (query-and-lql.md section
 * 5), and {@link SelectorNode}, the checked tree that is evaluated, printed and planned with.
 */
import type { Path } from "../path.ts";

/** A node of the JSON form: all members present must hold; `{}` matches everything. */
export interface Selector {
  readonly and?: readonly Selector[];
  readonly or?: readonly Selector[];
  readonly not?: Selector | null;
  readonly eq?: EqTerm;
  readonly contains?: TextTerm;
  readonly icontains?: TextTerm;
  readonly prefix?: PrefixTerm;
  readonly iprefix?: PrefixTerm;
  readonly range?: RangeTerm;
  readonly date?: DateTerm;
  readonly in?: InTerm;
  /** A path. */
  readonly exists?: string;
}

export type TermValue = string | number | boolean | null;
/** Texts, or one text with `|` between them. */
export type TermList = string | readonly string[];
export type TermFlag = boolean | string;

export interface EqTerm {
  readonly field: string;
  readonly value?: TermValue;
}

export interface PrefixTerm {
  readonly field: string;
  readonly value?: TermValue;
  readonly ignoreCase?: TermFlag;
}

export interface TextTerm extends PrefixTerm {
  readonly any?: TermList;
}

export interface RangeTerm {
  readonly field: string;
  readonly gte?: number | string;
  readonly gt?: number | string;
  readonly lte?: number | string;
  readonly lt?: number | string;
}

export interface DateTerm {
  readonly field: string;
  readonly value?: string;
  readonly after?: string;
  readonly before?: string;
  readonly gte?: string;
  readonly gt?: string;
  readonly lte?: string;
  readonly lt?: string;
  readonly since?: string;
}

export interface InTerm {
  readonly field: string;
  readonly any: TermList;
}

export const termNames = [
  "eq",
  "contains",
  "icontains",
  "prefix",
  "iprefix",
  "range",
  "date",
  "in",
  "exists",
] as const;

export type TermName = (typeof termNames)[number];

const termNameSet: ReadonlySet<string> = new Set(termNames);

export function isTermName(word: string): word is TermName {
  return termNameSet.has(word);
}

/** A selector that was validated; the only thing that may be compiled or printed. */
export interface CheckedSelector {
  readonly root: SelectorNode;
}

/** Groups have two nodes or more; `all` stands for the root, or for a whole alternative. */
export type SelectorNode =
  | { readonly kind: "all" }
  | { readonly kind: "and"; readonly nodes: readonly SelectorNode[] }
  | { readonly kind: "or"; readonly nodes: readonly SelectorNode[] }
  | { readonly kind: "not"; readonly node: SelectorNode }
  | Clause;

/** Where a clause looks: the path as written, trimmed, and parsed. */
export interface ClausePlace {
  readonly field: string;
  readonly path: Path;
}

export type Clause = EqClause | InClause | TextClause | RangeClause | DateClause | ExistsClause;

export interface EqClause extends ClausePlace {
  readonly kind: "eq";
  /** Undefined = left out, which compares like the empty text. */
  readonly value: string | undefined;
}

export interface InClause extends ClausePlace {
  readonly kind: "in";
  readonly any: readonly string[];
}

/** With neither `value` nor `any` it asserts that the path yields anything at all. */
export interface TextClause extends ClausePlace {
  readonly kind: "contains" | "prefix";
  readonly ignoreCase: boolean;
  /** "" asks for any string, number or boolean. */
  readonly value: string | undefined;
  /** Only of `contains`. */
  readonly any: readonly string[] | undefined;
}

export type OrderOperator = "gte" | "gt" | "lte" | "lt";

export interface RangeBound {
  readonly operator: OrderOperator;
  /** A JSON number, or a temporal literal; all bounds of a range are of one sort. */
  readonly text: string;
}

export interface RangeClause extends ClausePlace {
  readonly kind: "range";
  readonly sort: "number" | "temporal";
  readonly bounds: readonly RangeBound[];
}

export interface DateComparator {
  readonly operator: OrderOperator | "value" | "since";
  /** A temporal literal; a macro's word for `since`. */
  readonly text: string;
}

export interface DateClause extends ClausePlace {
  readonly kind: "date";
  readonly comparators: readonly DateComparator[];
}

export interface ExistsClause extends ClausePlace {
  readonly kind: "exists";
}
