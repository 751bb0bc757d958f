/** Which held keys an overview shows: the first of an order, behind a cursor. Pure. */
import { failure } from "../../api/errors.ts";
import {
  type OverviewOrder,
  type OverviewRequest,
  overviewLeasesDefault,
  overviewLeasesMax,
} from "../../api/observation.ts";
import type { HeldKey } from "../lease/held-leases.ts";
import { overviewFilterLengthMax } from "../limits.ts";
import { recordName } from "../record/key-record.ts";

export interface WindowRequest {
  /** Prefixes of the record names that count; undefined: all. */
  readonly prefixes: readonly string[] | undefined;
  readonly order: OverviewOrder;
  readonly after: string | undefined;
  readonly limit: number;
  readonly filter: string | undefined;
}

/** @throws invalid_observation */
export function checkWindow(
  request: OverviewRequest,
  namespaces: readonly string[] | undefined,
): WindowRequest {
  const { limit = overviewLeasesDefault, filter = "", order = "expiry" } = request;
  if (!Number.isInteger(limit) || limit < 0 || limit > overviewLeasesMax) {
    const detail = `a window of leases has 0 to ${overviewLeasesMax} rows, not ${limit}`;
    throw failure("invalid_observation", detail);
  }
  if (order !== "expiry" && order !== "name") {
    throw failure("invalid_observation", "leases are ordered by expiry or by name");
  }
  if (filter.length > overviewFilterLengthMax) {
    const detail = `a filter has at most ${overviewFilterLengthMax} characters`;
    throw failure("invalid_observation", detail);
  }
  const after = request.after === "" ? undefined : request.after;
  if (after !== undefined && order === "expiry" && !/^\d{1,15}:/.test(after)) {
    throw failure("invalid_observation", "the cursor is not one of this order");
  }
  return {
    prefixes: namespaces?.map((namespace) => recordName(namespace, "")),
    order,
    after,
    limit,
    filter: filter === "" ? undefined : filter.toLowerCase(),
  };
}

interface Place {
  /** 0 in the order of names. */
  readonly expiresAtUnix: number;
  readonly name: string;
}

/** Takes held keys in any order; keeps no more of them than the window shows. */
export class LeaseWindow {
  keysHeld = 0;
  keysMatching = 0;
  staged = 0;
  readonly #request: WindowRequest;
  readonly #nowUnix: number;
  readonly #after: Place | undefined;
  /** Sorted; one more than the limit, to know whether there are more. */
  readonly #kept: { readonly place: Place; readonly key: HeldKey }[] = [];

  constructor(request: WindowRequest, nowUnix: number) {
    this.#request = request;
    this.#nowUnix = nowUnix;
    this.#after = request.after === undefined ? undefined : placeOfCursor(request);
  }

  offer(key: HeldKey): void {
    const { name, lease } = key;
    const { prefixes, filter, order, limit } = this.#request;
    if (lease.expiresAtUnix <= this.#nowUnix) return;
    if (prefixes !== undefined && !prefixes.some((prefix) => name.startsWith(prefix))) return;
    this.keysHeld += 1;
    if (key.staged) this.staged += 1;
    if (filter !== undefined && !isNamed(key, filter)) return;
    this.keysMatching += 1;
    const place = { expiresAtUnix: order === "expiry" ? lease.expiresAtUnix : 0, name };
    if (this.#after !== undefined && compare(place, this.#after) <= 0) return;
    const last = this.#kept.at(-1);
    if (last !== undefined && this.#kept.length > limit && compare(place, last.place) > 0) return;
    this.#kept.splice(this.#placeIn(place), 0, { place, key });
    if (this.#kept.length > limit + 1) this.#kept.pop();
  }

  /** The rows, and the cursor behind them when there are more. */
  get rows(): { readonly keys: readonly HeldKey[]; readonly cursor: string | undefined } {
    const { limit, order } = this.#request;
    const shown = this.#kept.slice(0, limit);
    const last = shown.at(-1);
    const more = this.#kept.length > limit && last !== undefined;
    const { name = "", expiresAtUnix = 0 } = last?.place ?? {};
    const cursor = order === "expiry" ? `${expiresAtUnix}:${name}` : name;
    return { keys: shown.map(({ key }) => key), cursor: more ? cursor : undefined };
  }

  #placeIn(place: Place): number {
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#kept[middle]?.place;
      if (other !== undefined && compare(other, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function placeOfCursor({ after = "", order }: WindowRequest): Place {
  if (order === "name") return { expiresAtUnix: 0, name: after };
  const colon = after.indexOf(":");
  return { expiresAtUnix: Number(after.slice(0, colon)), name: after.slice(colon + 1) };
}

function compare(a: Place, b: Place): number {
  if (a.expiresAtUnix !== b.expiresAtUnix) return a.expiresAtUnix - b.expiresAtUnix;
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function isNamed({ name, lease }: HeldKey, filter: string): boolean {
  return name.includes(filter, 2) || lease.owner.toLowerCase().includes(filter);
}
