/** Selectors made ready to be asked of documents (query-and-lql.md section 6). */
import type { CheckedSelector, Clause } from "../selector/selector.ts";
import { compileClause } from "./clause-test.ts";
import { Decision, DecisionTree } from "./decision.ts";
import { DocumentScan, type ScanPlan } from "./document-scan.ts";
import { longTokenBytesMin } from "./limits.ts";
import { PathTree } from "./path-tree.ts";
import { PlaceTable } from "./place.ts";
import { StreamedMatch } from "./streamed-match.ts";

export interface CompileOptions {
  /** Milliseconds since 1970 that `now`, `today` and `yesterday` mean. */
  readonly nowMs: number;
}

/** Bytes that one character of a string may take as JSON, and room for folding. */
const bytesPerCharacterMax = 8;

/**
 * Asks one selector of many documents, given as JSON bytes: stored states, or anything else. Bytes
 * that are no JSON never fail; they match nothing where that shows before the answer is known. Of a
 * member that is there twice both values count.
 */
export class Matcher {
  readonly #matchesAll: boolean;
  readonly #plan: () => ScanPlan;
  #scan: DocumentScan | undefined;

  constructor({ root }: CheckedSelector, { nowMs }: CompileOptions) {
    this.#matchesAll = root.kind === "all";
    const decisions = new DecisionTree(root);
    const paths = new PathTree();
    const constants = [...decisions.constants];
    let textLengthMax = 0;
    for (const { node, clause } of decisions.clauses) {
      textLengthMax = Math.max(textLengthMax, longestText(clause));
      if (holdsOfObjects(clause)) constants.push(node);
      else paths.add(clause.path, { node, ...compileClause(clause, nowMs) });
    }
    const places = new PlaceTable(paths);
    const longTokenBytes = Math.max(longTokenBytesMin, textLengthMax * bytesPerCharacterMax);
    this.#plan = () => ({
      root: places.root,
      decision: new Decision(decisions),
      constants,
      longTokenBytes,
    });
  }

  /** Whether a whole document matches. */
  matches(bytes: Uint8Array): boolean {
    if (this.#matchesAll) return true;
    this.#scan ??= new DocumentScan(this.#plan());
    this.#scan.reset();
    this.#scan.run(bytes, true);
    return this.#scan.result();
  }

  /** A match of one document that comes in pieces; several may be under way. */
  start(): StreamedMatch {
    return new StreamedMatch(this.#matchesAll ? undefined : new DocumentScan(this.#plan()));
  }
}

/**
 * A matcher of a checked selector.
 * @example compileSelector(checkSelector(parseSelector("/n>9")), { nowMs }).matches(bytes)
 */
export function compileSelector(selector: CheckedSelector, options: CompileOptions): Matcher {
  return new Matcher(selector, options);
}

/** Text clauses that only ask for a value, of a path that every object answers (section 6.3). */
function holdsOfObjects(clause: Clause): boolean {
  if (clause.kind !== "contains" && clause.kind !== "prefix") return false;
  if (clause.any !== undefined || (clause.value ?? "") !== "") return false;
  const [segment, more] = clause.path;
  if (segment === undefined) return true;
  return more === undefined && segment.kind !== "name" && segment.kind !== "elements";
}

function longestText(clause: Clause): number {
  const texts = clause.path.map((segment) => (segment.kind === "name" ? segment.name : ""));
  if ("value" in clause && clause.value !== undefined) texts.push(clause.value);
  if ("any" in clause && clause.any !== undefined) texts.push(...clause.any);
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0);
}
