/** What can happen to the dashboard, and what it asks the outside world for. */
import type {
  Action,
  Detail,
  Failure,
  Happening,
  Look,
  Subject,
} from "../source/dashboard-source.ts";
import type { DashboardState } from "./state.ts";

/** A key press, whatever the terminal sent for it. `text` is set for characters only. */
export interface KeyPress {
  readonly name:
    | "character"
    | "up"
    | "down"
    | "left"
    | "right"
    | "pageUp"
    | "pageDown"
    | "home"
    | "end"
    | "enter"
    | "escape"
    | "tab"
    | "backTab"
    | "backspace"
    | "interrupt";
  readonly text: string;
}

export type DashboardEvent =
  | { readonly kind: "key"; readonly press: KeyPress }
  | { readonly kind: "resized"; readonly columns: number; readonly rows: number }
  | { readonly kind: "tick"; readonly nowMs: number }
  | {
      readonly kind: "looked";
      readonly server: number;
      readonly look: Look;
      /** Of the request; an answer to an older question is dropped. */
      readonly question: string;
      readonly nowMs: number;
    }
  | {
      readonly kind: "lookFailed";
      readonly server: number;
      readonly failure: Failure;
      readonly nowMs: number;
    }
  | {
      readonly kind: "happened";
      readonly server: number;
      /** The newest ones of the batch. */
      readonly events: readonly Happening[];
      /** Of the whole batch: messages in and out of each queue, by its id. */
      readonly tally: ReadonlyMap<string, QueueTally>;
      /** Events of the batch that are not in `events`. */
      readonly skipped: number;
    }
  | {
      readonly kind: "following";
      readonly server: number;
      readonly following: "no" | "yes" | "unavailable";
    }
  | { readonly kind: "detailed"; readonly subject: Subject; readonly detail: Detail }
  | { readonly kind: "detailFailed"; readonly subject: Subject; readonly failure: Failure }
  | { readonly kind: "acted"; readonly text: string }
  | { readonly kind: "actFailed"; readonly failure: Failure }
  | { readonly kind: "copied"; readonly text: string };

export interface QueueTally {
  readonly in: number;
  readonly out: number;
}

export type Effect =
  | { readonly kind: "quit" }
  /** Look again now; with a server only at that one. */
  | { readonly kind: "refresh" }
  | { readonly kind: "copy"; readonly text: string }
  | { readonly kind: "detail"; readonly server: number; readonly subject: Subject }
  | { readonly kind: "act"; readonly server: number; readonly action: Action };

export interface Step {
  readonly state: DashboardState;
  readonly effects: readonly Effect[];
}
