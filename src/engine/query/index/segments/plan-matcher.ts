import type { Parts } from "../document-terms.ts";
import type { IndexPlan, Probe } from "../index-plan.ts";
import { pathsOf } from "../path-book.ts";
import { isCutText, type Term, termKinds } from "../term.ts";
import { type DocumentContent, type Segment, type SegmentPaths, segmentRoot } from "./segment.ts";

type Lookup = Extract<IndexPlan, { readonly kind: "lookup" }>;

/** Judges documents of segments by their terms; what it refuses certainly does not match. */
export class PlanMatcher {
  readonly #plan: IndexPlan;
  /** Paths of the lookups in each segment; undefined: too many to tell. */
  readonly #paths = new Map<SegmentPaths, Map<Lookup, ReadonlySet<number> | undefined>>();

  constructor(plan: IndexPlan) {
    this.#plan = plan;
  }

  mayMatch(content: DocumentContent, { paths }: Segment): boolean {
    if (content.kind === "always") return true;
    const { terms, parts } = content;
    const judge = (plan: IndexPlan): boolean => {
      switch (plan.kind) {
        case "all":
          return true;
        case "every":
          return plan.of.every(judge);
        case "some":
          return plan.of.some(judge);
        case "lookup": {
          const ids = this.#pathsIn(paths, plan);
          if (ids === undefined) return true;
          return plan.probes.some((probe) =>
            probe.kind === "part"
              ? parts === undefined || hasPart(parts, probe.text)
              : terms.some((term) => ids.has(term[0]) && meets(term, probe)),
          );
        }
      }
    };
    return judge(this.#plan);
  }

  #pathsIn(paths: SegmentPaths, lookup: Lookup): ReadonlySet<number> | undefined {
    let known = this.#paths.get(paths);
    if (known === undefined) {
      known = new Map();
      this.#paths.set(paths, known);
    }
    if (known.has(lookup)) return known.get(lookup);
    const found = pathsOf(lookup.path, segmentRoot, paths);
    const ids = found === undefined ? undefined : new Set(found);
    known.set(lookup, ids);
    return ids;
  }
}

function hasPart({ short, long }: Parts, text: string): boolean {
  return short.includes(text) || long.includes(text);
}

function meets([, kind, value]: Term, probe: Exclude<Probe, { kind: "part" }>): boolean {
  switch (probe.kind) {
    case "present":
      return kind === probe.of;
    case "range":
      return kind === probe.of && Number(value) >= probe.from && Number(value) <= probe.to;
    case "text":
      return kind === termKinds.text && value === probe.text;
    case "prefix": {
      if (kind !== termKinds.text) return false;
      const text = String(value);
      return text.startsWith(probe.text) || (isCutText(probe.text) && text === probe.text);
    }
  }
}
