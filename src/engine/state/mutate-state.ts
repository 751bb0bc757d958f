/**
 * Changing a state in place (http-core.md section 10.7): read what the holder sees, work out the
 * new document, stage it, as if in one step.
 *
 * The race it exists to win: another write under the same lease while the document streams by.
 * What was read is therefore part of the decision that stages the result; if the holder sees
 * something else by then, everything is done again on that.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import type { LockdCall, MutateRequest, MutateResult } from "../../api/lockd.ts";
import { applyMutations, applyToBytes } from "../../lql/mutation/apply-mutations.ts";
import { oneGoBytesMax } from "../../lql/mutation/limits.ts";
import type { EngineParts } from "../engine-parts.ts";
import {
  claimError,
  cleanedIfExpired,
  type HolderView,
  holderView,
  type LeaseClaim,
  txnError,
} from "../lease/lease-rules.ts";
import { mutateAttemptsMax } from "../limits.ts";
import {
  absentRecord,
  type KeyRecord,
  recordName,
  type StoredState,
  stateObjectName,
} from "../record/key-record.ts";
import type { Transition } from "../record/record-shell.ts";
import { type CheckedMutate, checkMutate } from "../requests/checked.ts";
import { callStore } from "../store-failure.ts";
import { type Decision, keep, refuse } from "../transition.ts";
import { takeIn } from "./body-intake.ts";
import { type StateStaged, stageState } from "./stage.ts";

const emptyObject = Buffer.from("{}");

/** The bytes of a state that was seen are gone: it was replaced meanwhile, or the store lost it. */
class BytesGone extends Error {
  override readonly name = "BytesGone";
}

export class StateMutator {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** @throws invalid_mutations, invalid_body, document_too_large, lease and CAS errors */
  async mutate(request: MutateRequest, call: LockdCall): Promise<MutateResult> {
    const { clock, defaultNamespace } = this.#parts.options;
    const now = new Date(clock.wallMs());
    const checked = checkMutate(request, { defaultNamespace, now });
    let gone: string | undefined;
    for (let attempt = 0; attempt < mutateAttemptsMax; attempt += 1) {
      const seen = await this.#look(checked.claim);
      if (gone !== undefined && gone === objectOf(seen)) throw lost(seen, checked.claim);
      gone = undefined;
      try {
        const staged = await this.#attempt(checked, seen, call);
        if (staged !== undefined) return resultOf(checked, seen, staged);
      } catch (error) {
        if (!(error instanceof BytesGone)) throw error;
        gone = objectOf(seen);
      }
    }
    const name = `${checked.claim.namespace}/${checked.claim.key}`;
    const detail = `${name} changed ${mutateAttemptsMax} times while it was being mutated`;
    throw failure("cas_mismatch", detail);
  }

  /** Undefined when the state changed meanwhile; then nothing is left behind. */
  async #attempt(
    checked: CheckedMutate,
    seen: HolderView,
    call: LockdCall,
  ): Promise<StateStaged | undefined> {
    const { transactions, garbage } = this.#parts;
    const { claim } = checked;
    const state = await this.#changed(checked, seen, call);
    const changed = failure("cas_mismatch", `${claim.namespace}/${claim.key} changed meanwhile`);
    const object = state.place.kind === "object" ? state.place.name : undefined;
    let keepObject = false;
    try {
      const decide: Transition<StateStaged> = (record, nowUnix) =>
        stageOn(record, { ...checked, state, seen, changed }, nowUnix);
      const staged = await transactions.staging.transact(claim, decide, { object });
      keepObject = staged.usesBytes;
      if (!checked.release || staged.released) return staged;
      return { ...staged, released: await transactions.commitStaged(claim) };
    } catch (error) {
      if (error === changed) return undefined;
      // After an unknown outcome the record may point at it; the sweeper knows in time.
      keepObject ||= (error as { outcomeUnknown?: unknown } | undefined)?.outcomeUnknown === true;
      throw error;
    } finally {
      if (object !== undefined && !keepObject) garbage.discard([object]);
    }
  }

  /** The changed document, taken in like the body of an update. */
  async #changed(
    { claim, mutations }: CheckedMutate,
    { state }: HolderView,
    call: LockdCall,
  ): Promise<StoredState> {
    const { store, random, jsonBytesMax } = this.#parts.options;
    if (state !== undefined && state.size > jsonBytesMax) {
      const detail = `the document is larger than json-max (${jsonBytesMax} bytes)`;
      throw failure("document_too_large", detail);
    }
    const whole = await this.#inMemory(state);
    const { signal } = call;
    const options = { compact: true, bytesMax: jsonBytesMax };
    const body =
      whole === undefined
        ? applyMutations(() => this.#open(state, signal), mutations, options)
        : applyToBytes(whole, mutations, options);
    return takeIn({
      body,
      jsonBytesMax,
      // States are compact when they are stored, and the walk keeps them so.
      compact: true,
      tooLargeCode: "document_too_large",
      expectedBytes: undefined,
      expectedSha256: undefined,
      objectName: () => stateObjectName(claim.namespace, claim.key, random.xid()),
      store,
      signal: whole === undefined ? signal : undefined,
    });
  }

  /** The bytes of a small state; undefined for one that is better streamed. */
  async #inMemory(state: StoredState | undefined): Promise<Uint8Array | undefined> {
    if (state === undefined) return emptyObject;
    if (state.place.kind === "inline") return state.place.bytes;
    if (state.size > oneGoBytesMax) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#open(state, undefined)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async *#open(
    state: StoredState | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { place } = state ?? {};
    if (place?.kind !== "object") throw new BytesGone("only objects are streamed");
    const opened = await callStore(() => this.#parts.options.store.getStream(place.name, signal));
    if (opened === undefined) throw new BytesGone(place.name);
    try {
      for await (const chunk of readAhead(opened.body)) {
        signal?.throwIfAborted();
        yield chunk;
      }
    } finally {
      await opened.body.close();
    }
  }

  /** What the holder sees, under lease validation; an expired lease is cleared on the way. */
  async #look(claim: LeaseClaim): Promise<HolderView> {
    const { shell } = this.#parts;
    const name = recordName(claim.namespace, claim.key);
    const record = await shell.read(name);
    if (record !== undefined && leaseError(record, claim, shell.nowUnix()) === undefined) {
      return holderView(record);
    }
    return shell.transact(name, (current, nowUnix): Decision<HolderView> => {
      const found = current ?? absentRecord;
      const error = leaseError(found, claim, nowUnix);
      return error === undefined
        ? keep(holderView(found))
        : refuse(error, cleanedIfExpired(found, nowUnix));
    });
  }
}

/** Reads the next chunk while the one before is changed and written. */
async function* readAhead(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let next = chunks.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = chunks.next();
      // Its failure shows when it is waited for; until then nobody listens.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await chunks.return?.().catch(() => {});
  }
}

function leaseError(record: KeyRecord, claim: LeaseClaim, nowUnix: number) {
  return claimError(record, claim, nowUnix) ?? txnError(record, claim);
}

interface StageOnRequest extends CheckedMutate {
  readonly state: StoredState;
  readonly seen: HolderView;
  /** What to refuse with when the holder sees something else by now. */
  readonly changed: LockdApiError;
}

/**
 * Stages the result if the holder still sees what it was worked out from. Pure. That it does not is
 * a refusal and no answer: after an attempt of unknown outcome the change may be our own, and to
 * work on it once more would make the step twice.
 */
function stageOn(
  current: KeyRecord | undefined,
  request: StageOnRequest,
  nowUnix: number,
): Decision<StateStaged> {
  const record = current ?? absentRecord;
  const held = leaseError(record, request.claim, nowUnix) === undefined;
  if (held && !isSameView(holderView(record), request.seen)) return refuse(request.changed);
  return stageState(current, request, nowUnix);
}

function isSameView(one: HolderView, other: HolderView): boolean {
  return one.etag === other.etag && one.version === other.version && one.removed === other.removed;
}

function objectOf({ state }: HolderView): string | undefined {
  return state?.place.kind === "object" ? state.place.name : undefined;
}

function lost(seen: HolderView, claim: LeaseClaim): Error {
  const detail = `the bytes of ${claim.namespace}/${claim.key} are gone`;
  return failure(seen.stagedState ? "staged_state_missing" : "store_corrupt", detail);
}

function resultOf(checked: CheckedMutate, seen: HolderView, staged: StateStaged): MutateResult {
  return {
    newVersion: staged.version,
    newStateEtag: staged.etag,
    bytes: staged.bytes,
    metadata: staged.queryHidden ? { queryHidden: true } : {},
    fencingToken: checked.claim.fencingToken,
    released: staged.released,
    counters: {
      candidatesSeen: 1,
      candidatesWritten: 1,
      bytesRead: seen.state?.size ?? emptyObject.length,
      bytesWritten: staged.bytes,
      bytesCaptured: 0,
      spillCount: 0,
      spillBytes: 0,
    },
  };
}
