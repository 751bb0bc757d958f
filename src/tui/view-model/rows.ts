/** The list of each screen, reached row by row: nothing is built for rows that are not shown. */
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnSummary } from "../../api/transactions.ts";
import type { Happening, LeaseRow } from "../source/dashboard-source.ts";
import { queueId } from "./queue-rates.ts";
import { type DashboardState, focused, type ScreenName, type ServerState } from "./state.ts";

export type Row =
  | { readonly kind: "server"; readonly index: number; readonly server: ServerState }
  | { readonly kind: "lease"; readonly lease: LeaseRow }
  | { readonly kind: "queue"; readonly queue: QueueSummary }
  | { readonly kind: "transaction"; readonly transaction: TxnSummary }
  | { readonly kind: "event"; readonly event: Happening };

export interface RowList {
  readonly count: number;
  readonly at: (index: number) => Row | undefined;
}

export function rowId(row: Row): string {
  switch (row.kind) {
    case "server":
      return String(row.index);
    case "lease":
      return `${row.lease.namespace}/${row.lease.key}`;
    case "queue":
      return queueId(row.queue);
    case "transaction":
      return row.transaction.txnId;
    case "event":
      return row.event.id;
  }
}

/** The rows of a screen that its filter keeps. */
export function rowsOf(state: DashboardState, screen: ScreenName = state.screen): RowList {
  const server = focused(state);
  const filter = state.filters[screen].trim().toLowerCase();
  const look = server.look;
  switch (screen) {
    case "overview":
    case "cluster":
      return listed(state.servers, (one, index) => ({ kind: "server", index, server: one }));
    case "keys":
      return listed(
        kept(look?.leases ?? [], filter, (lease) => [
          `${lease.namespace}/${lease.key}`,
          lease.owner,
        ]),
        (lease) => ({ kind: "lease", lease }),
      );
    case "queues":
      return listed(
        kept(wantedQueues(state, look?.queues ?? []), filter, (queue) => [queueId(queue)]),
        (queue) => ({ kind: "queue", queue }),
      );
    case "transactions":
      return listed(
        kept(look?.transactions ?? [], filter, ({ txnId, state: decided, participants }) => [
          txnId,
          decided,
          ...participants.map(({ namespace, key }) => `${namespace}/${key}`),
        ]),
        (transaction) => ({ kind: "transaction", transaction }),
      );
    case "events":
      return newestFirst(kept(server.events, filter, eventTexts));
  }
}

/** The queues that the flags keep. */
export function wantedQueues(
  { namespaces, queues }: DashboardState,
  all: readonly QueueSummary[],
): readonly QueueSummary[] {
  if (namespaces.length === 0 && queues.length === 0) return all;
  return all.filter(
    ({ namespace, queue }) =>
      (namespaces.length === 0 || namespaces.includes(namespace)) &&
      (queues.length === 0 || queues.includes(queue)),
  );
}

function eventTexts(event: Happening): readonly string[] {
  const { kind, namespace = "", key, queue, owner = "", txnId = "", messageId = "" } = event;
  return [kind, `${namespace}/${key ?? queue ?? ""}`, owner, txnId, messageId];
}

function kept<Item>(
  items: readonly Item[],
  filter: string,
  texts: (item: Item) => readonly string[],
): readonly Item[] {
  if (filter === "") return items;
  return items.filter((item) => texts(item).some((text) => text.toLowerCase().includes(filter)));
}

function listed<Item>(items: readonly Item[], row: (item: Item, index: number) => Row): RowList {
  return {
    count: items.length,
    at: (index) => {
      const item = items[index];
      return item === undefined ? undefined : row(item, index);
    },
  };
}

function newestFirst(events: readonly Happening[]): RowList {
  return {
    count: events.length,
    at: (index) => {
      const event = events[events.length - 1 - index];
      return event === undefined ? undefined : { kind: "event", event };
    },
  };
}
