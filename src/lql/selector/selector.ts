/**
 * Selectors in their two forms: {@link Selector}, the JSON that travels (query-and-lql.md section
 * 5), and {@link SelectorNode}, the checked tree that is evaluated, printed and planned with.
 */
import type { Path } from "../path.ts";

/** A node of the JSON form: all members present must hold; `{}` matches everything. */
export interface Selector {
  readonly and?: readonly Selector[] | undefined;
  readonly or?: readonly Selector[] | undefined;
  readonly not?: Selector | null | undefined;
  readonly eq?: EqTerm | undefined;
  readonly contains?: TextTerm | undefined;
  readonly icontains?: TextTerm | undefined;
  readonly prefix?: PrefixTerm | undefined;
  readonly iprefix?: PrefixTerm | undefined;
  readonly range?: RangeTerm | undefined;
  readonly date?: DateTerm | undefined;
  readonly in?: InTerm | undefined;
  /** A path. */
  readonly exists?: string | undefined;
}

export type TermValue = string | number | boolean | null;
/** Texts, or one text with `|` between them. */
export type TermList = string | readonly string[];
export type TermFlag = boolean | string;

export interface EqTerm {
  readonly field: string;
  readonly value?: TermValue | undefined;
}

export interface PrefixTerm {
  readonly field: string;
  readonly value?: TermValue | undefined;
  readonly ignoreCase?: TermFlag | undefined;
}

export interface TextTerm extends PrefixTerm {
  readonly any?: TermList | undefined;
}

export interface RangeTerm {
  readonly field: string;
  readonly gte?: number | string | undefined;
  readonly gt?: number | string | undefined;
  readonly lte?: number | string | undefined;
  readonly lt?: number | string | undefined;
}

export interface DateTerm {
  readonly field: string;
  readonly value?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly gte?: string | undefined;
  readonly gt?: string | undefined;
  readonly lte?: string | undefined;
  readonly lt?: string | undefined;
  readonly since?: string | undefined;
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
