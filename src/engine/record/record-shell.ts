/**
 * The shell around the pure transitions: reads a key's record, decides, writes with
 * compare-and-swap, and finds out what became of writes of unknown outcome.
 *
 * The race it exists to win: two writers of one key, in this process or in others. Inside the
 * process changes of one key take turns; against others the store's precondition decides, and the
 * loser decides again on the fresh record, so every check is made inside the write that counts.
 */
import assert from "node:assert";
import { failure, type LockdError } from "../../api/errors.ts";
import { isUndecided } from "../lease/lease-rules.ts";
import {
  cachedRecordsMax,
  casAttemptsMax,
  resolveAttemptsMax,
  unknownOutcomeReadDelayMs,
  unknownOutcomeReadsMax,
} from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { type Step, type Store, StoreFailure, type VersionTag } from "../ports/store.ts";
import { engineErrorOf } from "../store-failure.ts";
import type { Cleaned } from "../transition.ts";
import { InDoubt } from "./in-doubt.ts";
import type { KeyRecord } from "./key-record.ts";
import { type RecordCell, RecordCells } from "./record-cells.ts";
import {
  type ChangeExtras,
  type JointWrite,
  noExtras,
  type Rider,
  type ShellObserver,
  type Transition,
} from "./record-change.ts";
import { decodeRecord, encodeRecord } from "./record-codec.ts";
import { referencedObjects } from "./record-objects.ts";

export type { Transition };

interface ShellPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** An attempt whose outcome is unknown: it may have landed, or may still land. */
interface OpenAttempt<Answer> {
  /** Undefined for a cleaning write, which answers nothing. */
  readonly answer: { readonly value: Answer } | undefined;
  /** The version it was based on: another write on the same version proves that it never landed. */
  readonly base: VersionTag | undefined;
}

/** By the write id that proves them. */
type OpenAttempts<Answer> = Map<string, OpenAttempt<Answer>>;

interface Loaded {
  readonly record: KeyRecord | undefined;
  readonly tag: VersionTag | undefined;
  readonly writeId: string | undefined;
}

export class RecordShell {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observer: ShellObserver;
  readonly #cells: RecordCells<KeyRecord>;

  constructor(ports: ShellPorts, observer: ShellObserver) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#observer = observer;
    this.#cells = new RecordCells({ max: cachedRecordsMax, keepsAbsent: true });
  }

  /** Whole seconds, floor: the time all stored instants are compared with (section 8.1). */
  nowUnix(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }

  /**
   * The record as last known durable: from memory when this process is the only writer, else from
   * the store. Never waits for a turn unless the record has to be loaded.
   */
  async read(name: string): Promise<KeyRecord | undefined> {
    if (!this.#store.capabilities.exclusive) return (await this.#load(name)).record;
    const cached = this.#cells.peek(name);
    if (cached?.loaded === true) return cached.record;
    return this.transact(name, (record) => ({ kind: "keep", answer: record }), { asks: "never" });
  }

  /**
   * Runs `decide` on the current record and makes its decision durable. The answer is returned only
   * when the write is; a refusal is thrown after the cleaning that may come with it.
   *
   * @throws what the decision refuses with, cas_mismatch, store errors
   */
  async transact<Answer>(
    name: string,
    decide: Transition<Answer>,
    extras: ChangeExtras = noExtras,
  ): Promise<Answer> {
    for (let asked = 0; ; asked += 1) {
      const cell = this.#cells.get(name);
      if (cell.busy) await cell.turn();
      else cell.busy = true;
      let undecided: KeyRecord;
      try {
        return await this.#decideAndWrite(cell, decide, extras);
      } catch (error) {
        const asks = extras.asks !== "elsewhere" && asked < resolveAttemptsMax;
        if (!(error instanceof InDoubt) || !asks) throw error;
        undecided = error.record;
      } finally {
        this.#cells.leave(cell, this.#store.capabilities.exclusive);
      }
      await this.#observer.resolve(name, undecided);
    }
  }

  /**
   * Changes several records in one plan, together with `riders`; one attempt, only on stores with
   * atomic plans. `names` are sorted and unique: whoever takes several turns takes them in that
   * order. A record for which `change` gives nothing stays as it is.
   * @throws store errors: nothing happened then
   */
  async changeTogether(
    names: readonly string[],
    change: (record: KeyRecord | undefined, nowUnix: number) => Cleaned | undefined,
    riders: readonly Step[],
  ): Promise<JointWrite> {
    const cells: RecordCell<KeyRecord>[] = [];
    try {
      for (const name of names) {
        const cell = this.#cells.get(name);
        if (cell.busy) await cell.turn();
        else cell.busy = true;
        cells.push(cell);
      }
      return await this.#writeTogether(cells, change, riders);
    } finally {
      for (const cell of cells) this.#cells.leave(cell, this.#store.capabilities.exclusive);
    }
  }

  async #writeTogether(
    cells: readonly RecordCell<KeyRecord>[],
    change: (record: KeyRecord | undefined, nowUnix: number) => Cleaned | undefined,
    riders: readonly Step[],
  ): Promise<JointWrite> {
    const missing = cells.filter(({ loaded }) => !loaded);
    await Promise.all(
      missing.map(async (cell) => {
        const { record, tag } = await this.#load(cell.name);
        cell.set(record, tag);
      }),
    );
    const nowUnix = this.nowUnix();
    const changes = cells.flatMap((cell) => {
      const next = change(cell.record, nowUnix);
      return next === undefined ? [] : [{ cell, before: cell.record, next }];
    });
    const puts = changes.map(({ cell, next }) =>
      this.#putStep(cell, next.record, this.#random.xid()),
    );
    if (puts.length + riders.length === 0) return { kind: "applied", changed: 0, tags: [] };
    const result = await this.#store.apply([...puts, ...riders]).catch(throwEngineError);
    for (const { cell } of changes) cell.loaded = false;
    if (result.kind !== "applied") return { kind: result.kind };
    for (const [at, { cell, before, next }] of changes.entries()) {
      const tag = result.tags[at];
      assert(tag !== undefined, "an applied put has a tag");
      cell.set(next.record, tag);
      this.#observer.changed(cell.name, before, next.record);
      this.#observer.garbage(unreferenced(next.garbage, next.record));
    }
    return { kind: "applied", changed: changes.length, tags: result.tags.slice(puts.length) };
  }

  #putStep({ name, tag }: RecordCell<KeyRecord>, next: KeyRecord, writeId: string): Step {
    const when = tag === undefined ? { kind: "absent" as const } : { kind: "tag" as const, tag };
    return { kind: "put", name, bytes: encodeRecord(next, writeId), when };
  }

  /**
   * Deletes a record with all it points at. Only for keys nobody can lease again: the record owns
   * the key's counter (http-queue.md section 10).
   * @throws store errors
   */
  async erase(name: string): Promise<void> {
    const cell = this.#cells.get(name);
    if (cell.busy) await cell.turn();
    else cell.busy = true;
    try {
      const stored = await this.#load(name);
      if (stored.tag === undefined) return;
      const when = { kind: "tag" as const, tag: stored.tag };
      cell.loaded = false;
      const result = await this.#store
        .apply([{ kind: "delete", name, when }])
        .catch(throwEngineError);
      if (result.kind !== "applied") throw failure("store_unavailable", `${name}: not erased`);
      this.#observer.erased(name, stored.record);
    } finally {
      cell.loaded = false;
      this.#cells.leave(cell, this.#store.capabilities.exclusive);
    }
  }

  async #decideAndWrite<Answer>(
    cell: RecordCell<KeyRecord>,
    decide: Transition<Answer>,
    extras: ChangeExtras,
  ): Promise<Answer> {
    const open: OpenAttempts<Answer> = new Map();
    try {
      for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
        const done = await this.#attempt(cell, decide, { open, ...extras });
        if (done !== undefined) return done.value;
      }
    } catch (error) {
      // A refusal, or a failure of this attempt, says nothing about an earlier one that may count.
      throw hasAnswers(open) ? this.#unknownOutcome(cell.name, error) : error;
    }
    if (hasAnswers(open)) throw this.#unknownOutcome(cell.name, undefined);
    const detail = `${cell.name}: other writers won ${casAttemptsMax} times in a row`;
    throw failure("cas_mismatch", detail);
  }

  /** The answer, or undefined when it has to be decided again. */
  async #attempt<Answer>(
    cell: RecordCell<KeyRecord>,
    decide: Transition<Answer>,
    extras: ChangeExtras & { readonly open: OpenAttempts<Answer> },
  ): Promise<{ readonly value: Answer } | undefined> {
    const { open, object } = extras;
    if (!cell.loaded) {
      const loaded = await this.#load(cell.name);
      const own = loaded.writeId === undefined ? undefined : open.get(loaded.writeId);
      if (own?.answer !== undefined) {
        this.#landed(cell, loaded);
        return own.answer;
      }
      cell.set(loaded.record, loaded.tag);
    }
    if (object !== undefined && mayBeGone(cell, open, object)) {
      throw this.#unknownOutcome(cell.name, undefined);
    }
    const nowUnix = this.nowUnix();
    if (extras.asks !== "never" && isUndecided(cell.name, cell.record, nowUnix)) {
      throw new InDoubt(cell.name, cell.record);
    }
    const decision = decide(cell.record, nowUnix);
    if (decision.kind === "keep") return { value: decision.answer };
    const { next } = decision;
    if (next === undefined) {
      assert(decision.kind === "refuse", "only a refusal may come without a record");
      throw decision.error;
    }
    const base = cell.tag;
    const rider = decision.kind === "write" ? extras.rider : undefined;
    const written = await this.#write(cell, next, rider);
    if (written.kind === "applied") {
      for (const [writeId, earlier] of open) if (earlier.base === base) open.delete(writeId);
      this.#observer.garbage(unreferenced(decision.garbage, next));
      if (decision.kind === "refuse") throw decision.error;
      return { value: decision.answer };
    }
    if (written.kind === "unknown") {
      const answer = decision.kind === "write" ? { value: decision.answer } : undefined;
      open.set(written.writeId, { answer, base });
    }
    return undefined;
  }

  /** One conditional write of the record; forgets the cached one unless it succeeded. */
  async #write(
    cell: RecordCell<KeyRecord>,
    next: KeyRecord,
    rider: Rider | undefined,
  ): Promise<{ kind: "applied" } | { kind: "conflict" } | { kind: "unknown"; writeId: string }> {
    const { name, record: before } = cell;
    const writeId = this.#random.xid();
    const step = this.#putStep(cell, next, writeId);
    const plan = rider === undefined ? [step] : [step, ...(await rider.steps(next))];
    // A failure here says that certainly nothing happened: what is cached stays right.
    const result = await this.#store.apply(plan).catch(throwEngineError);
    cell.loaded = false;
    rider?.settle(result.kind, result.kind === "applied" ? result.tags.slice(1) : []);
    if (result.kind === "applied") {
      const newTag = result.tags[0];
      assert(newTag !== undefined, "an applied put has a tag");
      cell.set(next, newTag);
      this.#observer.changed(name, before, next);
      return { kind: "applied" };
    }
    return result.kind === "unknown" ? { kind: "unknown", writeId } : { kind: "conflict" };
  }

  /** An earlier attempt of unknown outcome turned out to have been written. */
  #landed(cell: RecordCell<KeyRecord>, loaded: Loaded): void {
    const before = cell.record;
    cell.set(loaded.record, loaded.tag);
    if (loaded.record !== undefined) this.#observer.changed(cell.name, before, loaded.record);
  }

  async #load(name: string): Promise<Loaded> {
    for (let read = 0; ; read += 1) {
      try {
        const stored = await this.#store.get(name);
        if (stored === undefined) return { record: undefined, tag: undefined, writeId: undefined };
        return { ...decodeRecord(name, stored.bytes), tag: stored.tag };
      } catch (error) {
        const transient = error instanceof StoreFailure && error.kind === "unavailable";
        if (!transient || read + 1 >= unknownOutcomeReadsMax) throw engineErrorOf(error);
        await this.#pause(unknownOutcomeReadDelayMs * 2 ** read);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.schedule(delayMs, resolve);
    });
  }

  #unknownOutcome(name: string, cause: unknown): LockdError {
    const detail = `${name}: the outcome of a write could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }
}

function hasAnswers<Answer>(open: OpenAttempts<Answer>): boolean {
  for (const { answer } of open.values()) if (answer !== undefined) return true;
  return false;
}

/** An earlier attempt may have landed, the record went on, and it does not show the object. */
function mayBeGone<Answer>(
  cell: RecordCell<KeyRecord>,
  open: OpenAttempts<Answer>,
  object: string,
): boolean {
  for (const { base } of open.values()) {
    if (base !== cell.tag) {
      return cell.record === undefined || !referencedObjects(cell.record).includes(object);
    }
  }
  return false;
}

/** A call that met its own earlier attempt replaces its object by itself: that is no garbage. */
function unreferenced(objects: readonly string[], next: KeyRecord): readonly string[] {
  if (objects.length === 0) return objects;
  const kept = new Set(referencedObjects(next));
  return objects.filter((object) => !kept.has(object));
}

function throwEngineError(error: unknown): never {
  throw engineErrorOf(error);
}
