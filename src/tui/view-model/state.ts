/** Everything the dashboard knows; changed only by `reduce`. */
import type {
  Action,
  Detail,
  Failure,
  Happening,
  LeaseOrder,
  Look,
  Subject,
} from "../source/dashboard-source.ts";
import type { LeaseSpan } from "./lease-spans.ts";
import type { QueueRates } from "./queue-rates.ts";

export const screenNames = [
  "overview",
  "keys",
  "queues",
  "transactions",
  "cluster",
  "events",
] as const;

export type ScreenName = (typeof screenNames)[number];

/** Where the eye is in a list: on a row, by its id, so that it stays there when others move. */
export interface Place {
  readonly selectedId: string | undefined;
  readonly index: number;
  /** First row that is shown. */
  readonly top: number;
}

/** One lockd that is watched. */
export interface ServerState {
  readonly label: string;
  /** `lost`: the last look failed; what is shown is as old as `lookAtMs` says. */
  readonly phase: "connecting" | "live" | "lost";
  readonly look: Look | undefined;
  /** When the look came in, by the clock of this process. */
  readonly lookAtMs: number | undefined;
  readonly failure: Failure | undefined;
  /** Cursors of the windows of leases up to the one that is shown; the first has none. */
  readonly windows: readonly LeaseWindow[];
  /** Of the leases in the window. */
  readonly spans: ReadonlyMap<string, LeaseSpan>;
  readonly rates: ReadonlyMap<string, QueueRates>;
  /** Oldest first, bounded. */
  readonly events: readonly Happening[];
  /** While paused: what came since. */
  readonly held: readonly Happening[];
  readonly missed: number;
  readonly following: "no" | "yes" | "unavailable";
}

export interface LeaseWindow {
  readonly after: string | undefined;
  /** Rows in the windows before this one. */
  readonly offset: number;
}

export type Overlay =
  | { readonly kind: "help"; readonly top: number }
  | {
      readonly kind: "detail";
      readonly subject: Subject | { readonly kind: "event"; readonly event: Happening };
      readonly detail: Detail | undefined;
      readonly failure: Failure | undefined;
      readonly top: number;
    }
  | { readonly kind: "confirm"; readonly action: Action; readonly typed: string };

export interface InputLine {
  readonly kind: "filter" | "command";
  readonly text: string;
  /** The filter as it was, for Escape. */
  readonly before: string;
}

export interface Notice {
  readonly text: string;
  readonly tone: "plain" | "good" | "caution" | "bad";
  readonly untilMs: number;
}

export interface DashboardState {
  readonly screen: ScreenName;
  readonly servers: readonly ServerState[];
  /** Index of the server that the other screens show. */
  readonly focus: number;
  readonly places: Readonly<Record<ScreenName, Place>>;
  readonly filters: Readonly<Record<ScreenName, string>>;
  readonly order: LeaseOrder;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Only these queues; empty: all. */
  readonly queues: readonly string[];
  readonly input: InputLine | undefined;
  readonly overlay: Overlay | undefined;
  readonly paused: boolean;
  readonly notice: Notice | undefined;
  readonly writable: boolean;
  readonly refreshMs: number;
  readonly size: { readonly columns: number; readonly rows: number };
  /** Wall clock of this process, as of the last tick. */
  readonly nowMs: number;
}

export interface InitialState {
  readonly labels: readonly string[];
  readonly namespaces?: readonly string[];
  readonly queues?: readonly string[];
  readonly writable: boolean;
  readonly refreshMs: number;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly nowMs: number;
}

const firstPlace: Place = { selectedId: undefined, index: 0, top: 0 };

function forEachScreen<Value>(value: Value): Record<ScreenName, Value> {
  return {
    overview: value,
    keys: value,
    queues: value,
    transactions: value,
    cluster: value,
    events: value,
  };
}

export function initialState(options: InitialState): DashboardState {
  return {
    screen: "overview",
    servers: options.labels.map(newServer),
    focus: 0,
    places: forEachScreen(firstPlace),
    filters: forEachScreen(""),
    order: "expiry",
    namespaces: options.namespaces ?? [],
    queues: options.queues ?? [],
    input: undefined,
    overlay: undefined,
    paused: false,
    notice: undefined,
    writable: options.writable,
    refreshMs: options.refreshMs,
    size: options.size,
    nowMs: options.nowMs,
  };
}

function newServer(label: string): ServerState {
  return {
    label,
    phase: "connecting",
    look: undefined,
    lookAtMs: undefined,
    failure: undefined,
    windows: [{ after: undefined, offset: 0 }],
    spans: new Map(),
    rates: new Map(),
    events: [],
    held: [],
    missed: 0,
    following: "no",
  };
}

/** The server that the screens show. */
export function focused(state: DashboardState): ServerState {
  return state.servers[state.focus] ?? newServer("");
}

export function changedServer(
  state: DashboardState,
  index: number,
  change: (server: ServerState) => ServerState,
): DashboardState {
  return {
    ...state,
    servers: state.servers.map((server, at) => (at === index ? change(server) : server)),
  };
}

/** Milliseconds since a server's look came in. */
export function lookAgeMs(state: DashboardState, server: ServerState): number {
  return server.lookAtMs === undefined ? 0 : Math.max(0, state.nowMs - server.lookAtMs);
}

/** What is left of a lease now, counted down from the look it was seen in. */
export function remainingMs(state: DashboardState, server: ServerState, atLook: number): number {
  return Math.max(0, atLook - lookAgeMs(state, server));
}
