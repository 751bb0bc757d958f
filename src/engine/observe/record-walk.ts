import { sweepPageSize } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { PageOptions, Store } from "../ports/store.ts";
import type { KeyRecord } from "../record/key-record.ts";
import { decodeRecord } from "../record/record-codec.ts";
import { callStore } from "../store-failure.ts";
import type { FollowedKeys } from "./change-filter.ts";

export interface WalkedRecord {
  readonly name: string;
  readonly record: KeyRecord;
}

/** Lets everybody else have a turn. */
export function breathe(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(0, resolve);
  });
}

/**
 * Records as the store has them now, page by page in the order of their names, with a pause after
 * every page so that leases are not delayed. Records of a page are of one moment at best.
 * @throws store errors
 */
export async function* walkRecords(
  ports: { readonly store: Store; readonly clock: Clock },
  keys: FollowedKeys,
): AsyncGenerator<readonly WalkedRecord[]> {
  const { store, clock } = ports;
  if (keys.kind === "one") {
    const stored = await callStore(() => store.get(keys.name));
    yield stored === undefined ? [] : [walked(keys.name, stored.bytes)];
    return;
  }
  let options: PageOptions = { limit: sweepPageSize };
  for (;;) {
    const page = await callStore(() => store.scan(keys.prefix, options));
    yield page.objects.map(({ name, bytes }) => walked(name, bytes));
    const last = page.objects.at(-1)?.name;
    if (!page.more || last === undefined) return;
    options = { limit: sweepPageSize, after: last };
    await breathe(clock);
  }
}

function walked(name: string, bytes: Uint8Array): WalkedRecord {
  return { name, record: decodeRecord(name, bytes).record };
}
