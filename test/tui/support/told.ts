import type { LeaseRow } from "../../../src/tui/source/dashboard-source.ts";
import type { DashboardEvent, Effect, KeyPress } from "../../../src/tui/view-model/events.ts";
import { lookRequest, questionOf } from "../../../src/tui/view-model/look-request.ts";
import { reduce } from "../../../src/tui/view-model/reduce.ts";
import { selectedRow } from "../../../src/tui/view-model/screen-keys.ts";
import { type DashboardState, initialState } from "../../../src/tui/view-model/state.ts";
import { madeUpLease, madeUpLook, madeUpNowMs } from "./made-up.ts";

/** A dashboard that is told events one after the other and remembers what it asked for. */
export class Told {
  state: DashboardState;
  effects: Effect[] = [];

  constructor(more: { writable?: boolean; labels?: readonly string[] } = {}) {
    const { writable = false, labels = ["one"] } = more;
    const size = { columns: 80, rows: 23 };
    this.state = initialState({ labels, writable, refreshMs: 2_000, size, nowMs: madeUpNowMs });
  }

  tell(event: DashboardEvent): this {
    const { state, effects } = reduce(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  /** Names of keys, or text. */
  press(...keys: readonly (KeyPress["name"] | { readonly text: string })[]): this {
    for (const key of keys) {
      const press =
        typeof key === "string" ? { name: key, text: "" } : { name: "character", ...key };
      this.tell({ kind: "key", press: press as KeyPress });
    }
    return this;
  }

  type(text: string): this {
    return this.press({ text });
  }

  look(more: Parameters<typeof madeUpLook>[0] = {}, nowMs = madeUpNowMs): this {
    const question = questionOf(lookRequest(this.state, 0));
    return this.tell({ kind: "looked", server: 0, look: madeUpLook(more), question, nowMs });
  }

  /** Effects since the last time they were asked for. */
  asked(): readonly Effect[] {
    return this.effects.splice(0);
  }

  get selected(): string {
    const row = selectedRow(this.state);
    return row?.kind === "lease" ? row.lease.key : (row?.kind ?? "nothing");
  }
}

/** So many leases, from the given one on. */
export const leases = (count: number, from = 0): LeaseRow[] =>
  Array.from({ length: count }, (_, at) => madeUpLease(from + at));
