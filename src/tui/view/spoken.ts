/**
 * The same screens as sentences, for screen readers: no columns, no drawings, one thing a line, and
 * nothing that changes every second.
 */
import { confirmation, consequences } from "../view-model/actions.ts";
import { helpRows } from "../view-model/help-rows.ts";
import { listRows } from "../view-model/layout.ts";
import { eventLines } from "../view-model/overlay-lines.ts";
import { type Row, rowsOf } from "../view-model/rows.ts";
import type { DashboardState, Overlay, ServerState } from "../view-model/state.ts";
import { clean } from "./cells.ts";
import { clockText, grouped } from "./numbers.ts";

export function spokenLines(state: DashboardState): readonly string[] {
  const said = state.notice === undefined ? [] : [`Notice: ${clean(state.notice.text)}.`];
  const { input, overlay } = state;
  if (overlay !== undefined) return [...spokenOverlay(state, overlay), ...said];
  const typing =
    input === undefined ? [] : [`Typing ${input.kind}: ${clean(input.text) || "nothing yet"}.`];
  return [
    `Screen ${state.screen}. ${state.paused ? "Paused. " : ""}Press question mark for help.`,
    ...state.servers.map((server, at) => serverSentence(server, at === state.focus)),
    ...spokenRows(state),
    ...typing,
    ...said,
  ];
}

function serverSentence(server: ServerState, isShown: boolean): string {
  const name = `Server ${clean(server.label)}${isShown ? "" : ", not shown"}`;
  if (server.phase === "connecting") return `${name}: connecting.`;
  if (server.phase === "lost") {
    const since = server.lookAtMs === undefined ? "" : ` since ${clockText(server.lookAtMs)}`;
    return `${name}: not reachable${since}: ${clean(server.failure?.detail ?? "")}.`;
  }
  const counts = server.look?.counts;
  const draining = server.look?.draining === true ? " draining," : "";
  if (counts === undefined) return `${name}:${draining} live.`;
  return `${name}:${draining} live, ${grouped(counts.keysHeld)} keys held.`;
}

function spokenRows(state: DashboardState): readonly string[] {
  if (state.screen === "overview" || state.screen === "cluster") return [];
  const rows = rowsOf(state);
  const { index, top } = state.places[state.screen];
  if (rows.count === 0) return ["The list is empty."];
  const lines = [`Row ${grouped(index + 1)} of ${grouped(rows.count)}.`];
  for (let at = top; at < Math.min(rows.count, top + listRows(state)); at += 1) {
    const row = rows.at(at);
    if (row !== undefined) lines.push(`${at === index ? "Selected: " : ""}${rowSentence(row)}`);
  }
  return lines;
}

function rowSentence(row: Row): string {
  switch (row.kind) {
    case "server":
      return clean(row.server.label);
    case "lease": {
      const { namespace, key, owner, fencingToken, waiters = 0 } = row.lease;
      const held = `held by ${owner}, token ${fencingToken}`;
      return clean(`Key ${namespace}/${key}, ${held}, ${waiters} waiting.`);
    }
    case "queue": {
      const { namespace, queue, ready, delayed, inFlight, dead } = row.queue;
      const counts = `${ready} ready, ${delayed} delayed, ${inFlight} in flight, ${dead} dead`;
      return clean(`Queue ${namespace}/${queue}: ${counts}.`);
    }
    case "transaction": {
      const { txnId, state, participants, inDoubt } = row.transaction;
      const count = `${participants.length} participants`;
      return `Transaction ${txnId}: ${state}, ${count}${inDoubt ? ", in doubt" : ""}.`;
    }
    case "event": {
      const { kind, namespace = "", key, queue, atUnixMs } = row.event;
      const where = `${namespace}/${key ?? queue ?? ""}`;
      return clean(`${clockText(atUnixMs)} ${kind.replaceAll("_", " ")} ${where}.`);
    }
  }
}

function spokenOverlay(state: DashboardState, overlay: Overlay): readonly string[] {
  switch (overlay.kind) {
    case "help":
      return ["Help.", ...helpRows(state).map(({ keys, text }) => `${keys}: ${text}`)];
    case "confirm":
      return [
        ...consequences(overlay.action).map(clean),
        `Type ${confirmation} and Enter to do it, Escape to call it off.`,
        `Typed: ${clean(overlay.typed) || "nothing yet"}.`,
      ];
    case "detail": {
      const { subject, detail, failure } = overlay;
      if (subject.kind === "event") return ["Event.", ...eventLines(subject.event).map(clean)];
      if (failure !== undefined) return [`Not to be had: ${clean(failure.detail)}.`];
      if (detail === undefined) return ["Asking."];
      const facts = detail.facts.map(([label, value]) => clean(`${label}: ${value}`));
      const text = detail.lines.slice(overlay.top, overlay.top + listRows(state)).map(clean);
      return ["Detail.", ...facts, clean(detail.heading), ...text];
    }
  }
}
