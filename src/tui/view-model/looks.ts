/** What a look, its failure, and a batch of events change about a server. */
import { eventsKeptMax } from "../limits.ts";
import type { Happening, Look } from "../source/dashboard-source.ts";
import type { DashboardEvent } from "./events.ts";
import { leaseSpans } from "./lease-spans.ts";
import { lookRequest, questionOf } from "./look-request.ts";
import { counted, sampled } from "./queue-rates.ts";
import { changedServer, type DashboardState, type ServerState } from "./state.ts";

type EventOf<Kind extends DashboardEvent["kind"]> = DashboardEvent & { readonly kind: Kind };

export function afterLook(state: DashboardState, event: EventOf<"looked">): DashboardState {
  const { server: index, look, question, nowMs } = event;
  const asked = questionOf(lookRequest(state, index));
  if (question !== asked) return state;
  const next = changedServer(state, index, (server) => ({
    ...server,
    phase: "live",
    look,
    lookAtMs: nowMs,
    failure: undefined,
    spans: leaseSpans(server.spans, look),
    rates: sampled(
      server.rates,
      look,
      server.lookAtMs === undefined ? undefined : nowMs - server.lookAtMs,
    ),
    windows: stillThere(server, look),
  }));
  return { ...next, nowMs: Math.max(state.nowMs, nowMs) };
}

/** A window that has become empty is left for the one before it. */
function stillThere({ windows }: ServerState, look: Look): ServerState["windows"] {
  return look.leases.length === 0 && windows.length > 1 ? windows.slice(0, -1) : windows;
}

export function afterLookFailure(
  state: DashboardState,
  { server: index, failure, nowMs }: EventOf<"lookFailed">,
): DashboardState {
  const next = changedServer(state, index, (server) => ({ ...server, phase: "lost", failure }));
  return { ...next, nowMs: Math.max(state.nowMs, nowMs) };
}

export function afterHappenings(
  state: DashboardState,
  { server: index, events, tally, skipped }: EventOf<"happened">,
): DashboardState {
  return changedServer(state, index, (server) => {
    const lost = events.reduce((sum, { missed = 0 }) => sum + missed, skipped);
    const rates = counted(server.rates, tally);
    const missed = server.missed + lost;
    if (state.paused) return { ...server, rates, missed, held: bounded(server.held, events) };
    return { ...server, rates, missed, events: bounded(server.events, events) };
  });
}

/** The end of a pause: what was held back is shown. */
export function resumed(state: DashboardState): DashboardState {
  const servers = state.servers.map((server) => ({
    ...server,
    events: bounded(server.events, server.held),
    held: [],
  }));
  return { ...state, paused: false, servers };
}

function bounded(before: readonly Happening[], more: readonly Happening[]): readonly Happening[] {
  if (more.length === 0) return before;
  return [...before, ...more].slice(-eventsKeptMax);
}
