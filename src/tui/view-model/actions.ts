/** The changes the dashboard can make: which row allows which, and how they are asked back. */
import type { Action } from "../source/dashboard-source.ts";
import type { Row } from "./rows.ts";

/** The word that confirms. */
export const confirmation = "yes";

export type ActionName = Action["kind"];

/** The action on a row, or why there is none. */
export function actionOn(row: Row | undefined, name: ActionName): Action | string {
  if (name === "release") {
    if (row?.kind === "lease") {
      const { lease } = row;
      if (lease.txnId !== "") return { kind: "release", lease };
      return "this server does not tell what a release needs to know";
    }
    return "release works on the keys screen, on a key that is held";
  }
  if (row?.kind !== "queue") return `${name} works on the queues screen, on a queue`;
  const { namespace, queue, dead } = row.queue;
  if (dead === 0) return `${namespace}/${queue} has no dead letters`;
  return { kind: name, namespace, queue };
}

/** What will happen, in whole sentences. */
export function consequences(action: Action): readonly string[] {
  switch (action.kind) {
    case "release": {
      const { namespace, key, owner, fencingToken } = action.lease;
      return [
        `Take the lease of ${namespace}/${key} away from ${owner} (token ${fencingToken})?`,
        "What it staged is thrown away. The holder learns of it at its next call.",
      ];
    }
    case "redrive":
      return [
        `Put all dead letters of ${action.namespace}/${action.queue} back into the queue?`,
        "They are delivered again with fresh counters.",
      ];
    case "purge":
      return [
        `Delete all dead letters of ${action.namespace}/${action.queue} for good?`,
        "Their payloads cannot be had back.",
      ];
  }
}
