/** Reading states: the holder's view, and the committed one (http-core.md section 10.5). */
import { failure } from "../../api/errors.ts";
import type { StateResult } from "../../api/lockd.ts";
import { claimError, cleanedIfExpired, holderView, type LeaseClaim } from "../lease/lease-rules.ts";
import { stateOpenAttemptsMax } from "../limits.ts";
import type { Store } from "../ports/store.ts";
import {
  absentRecord,
  type KeyRecord,
  recordName,
  type StoredState,
} from "../record/key-record.ts";
import type { RecordShell } from "../record/record-shell.ts";
import type { CheckedGet, CheckedKey } from "../requests/checked.ts";
import { callStore } from "../store-failure.ts";
import { type Decision, keep, refuse } from "../transition.ts";

const noBytes = new Uint8Array(0);

interface Found {
  readonly state: StoredState | undefined;
  readonly version: number;
  readonly staged: boolean;
}

function noState(fencingToken: number | undefined): StateResult {
  return { exists: false, version: 0, etag: "", size: 0, body: noBytes, fencingToken };
}

/** The holder's read as a transition: an expired lease is cleared on the way (section 8.5). */
function leasedFind(
  current: KeyRecord | undefined,
  claim: LeaseClaim,
  nowUnix: number,
): Decision<Found> {
  const record = current ?? absentRecord;
  const error = claimError(record, claim, nowUnix);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  return keep(holderFind(record));
}

function holderFind(record: KeyRecord): Found {
  const view = holderView(record);
  const version = view.stagedState ? view.version : record.version;
  return { state: view.state, version, staged: view.stagedState };
}

export class StateReader {
  readonly #shell: RecordShell;
  readonly #store: Store;

  constructor(shell: RecordShell, store: Store) {
    this.#shell = shell;
    this.#store = store;
  }

  async read(request: CheckedGet): Promise<StateResult> {
    return request.mode === "public"
      ? this.#open(() => this.#findCommitted(request.target), undefined)
      : this.#open(() => this.#findLeased(request.claim), request.claim.fencingToken);
  }

  /** The committed state of a record just read, if it is small enough to be at hand. */
  static inline(record: KeyRecord, fencingToken: number): StateResult | undefined {
    const { state } = record;
    if (state === undefined) return noState(fencingToken);
    if (state.place.kind !== "inline") return undefined;
    return {
      exists: true,
      version: record.version,
      etag: state.etag,
      size: state.size,
      body: state.place.bytes,
      fencingToken,
    };
  }

  async #findCommitted(target: CheckedKey): Promise<Found> {
    const record = await this.#shell.read(recordName(target.namespace, target.key));
    return { state: record?.state, version: record?.version ?? 0, staged: false };
  }

  async #findLeased(claim: LeaseClaim): Promise<Found> {
    const name = recordName(claim.namespace, claim.key);
    const record = await this.#shell.read(name);
    if (record !== undefined && claimError(record, claim, this.#shell.nowUnix()) === undefined) {
      return holderFind(record);
    }
    return this.#shell.transact(name, (current, nowUnix) => leasedFind(current, claim, nowUnix));
  }

  async #open(find: () => Promise<Found>, fencingToken: number | undefined): Promise<StateResult> {
    for (let attempt = 0; ; attempt += 1) {
      const { state, version, staged } = await find();
      if (state === undefined) return noState(fencingToken);
      const base = { exists: true, version, etag: state.etag, size: state.size, fencingToken };
      const { place } = state;
      if (place.kind === "inline") return { ...base, body: place.bytes };
      const opened = await callStore(() => this.#store.getStream(place.name));
      if (opened !== undefined) return { ...base, body: opened.body };
      // Replaced between the two reads? Then the next look finds the new one.
      if (attempt + 1 >= stateOpenAttemptsMax) {
        throw failure(
          staged ? "staged_state_missing" : "store_corrupt",
          `the bytes of ${place.name} are gone`,
        );
      }
    }
  }
}
