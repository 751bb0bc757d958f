import {
  type ApplyResult,
  type BodyStream,
  type ChangePage,
  changesPrefix,
  type NamedObject,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Precondition,
  type Step,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
  type StreamPage,
  type VersionTag,
} from "../../engine/ports/store.ts";
import { changePage, sequenceOf } from "../change-page.ts";
import { scanPage } from "../scan-page.ts";
import { OrderedNames } from "./ordered-names.ts";

/** What several memory stores may share: the reference of a store used by many servers. */
export class MemoryBackend {
  readonly objects = new Map<string, StoredObject>();
  /** Names of `objects` in byte order. */
  readonly names = new OrderedNames();
  readonly streams = new Map<string, readonly Uint8Array[]>();
  /** Sequences of the names with an order of changes, oldest first. */
  readonly changes = new Map<string, number>();
  sequence = 0;
}

/**
 * The store in memory: the reference for the conformance suite. Lost when the process ends.
 * With a shared backend it behaves like a remote store: others may write, nothing may be cached.
 */
export class MemoryStore implements Store {
  readonly label = "mem://";
  readonly capabilities: StoreCapabilities;
  readonly #backend: MemoryBackend;
  #closed = false;

  constructor(options: { readonly backend?: MemoryBackend } = {}) {
    this.#backend = options.backend ?? new MemoryBackend();
    this.capabilities = {
      atomicPlan: true,
      exclusive: options.backend === undefined,
      watch: false,
      changes: true,
    };
  }

  async get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    return this.#backend.objects.get(name);
  }

  async getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    return names.map((name) => this.#backend.objects.get(name));
  }

  async getStream(name: string): Promise<ObjectStream | undefined> {
    this.#refuseWhenClosed();
    const chunks = this.#backend.streams.get(name);
    if (chunks === undefined) return undefined;
    return { size: totalLength(chunks), body: bodyOf(chunks) };
  }

  async apply(plan: Plan): Promise<ApplyResult> {
    this.#refuseWhenClosed();
    const step = this.#firstFailing(plan);
    if (step !== -1) return { kind: "conflict", step };
    return { kind: "applied", tags: plan.map((one) => this.#perform(one)) };
  }

  /** Index of the first step whose precondition does not hold after the steps before it, or -1. */
  #firstFailing(plan: Plan): number {
    const only = plan.length === 1 ? plan[0] : undefined;
    if (only !== undefined) {
      return holds(only.when, this.#backend.objects.get(only.name)?.tag) ? -1 : 0;
    }
    // Tags of names that earlier steps of the plan change; a tag to come equals no known one.
    const changed = new Map<string, VersionTag | undefined>();
    return plan.findIndex((step) => {
      const { name, when, kind } = step;
      const tag = changed.has(name) ? changed.get(name) : this.#backend.objects.get(name)?.tag;
      changed.set(name, kind === "put" ? ("?" as VersionTag) : undefined);
      return !holds(when, tag);
    });
  }

  #perform(step: Step): VersionTag | undefined {
    if (step.kind === "delete") {
      if (this.#backend.objects.delete(step.name)) this.#backend.names.delete(step.name);
      return undefined;
    }
    this.#backend.sequence += 1;
    const tag = String(this.#backend.sequence) as VersionTag;
    if (!this.#backend.objects.has(step.name)) this.#backend.names.add(step.name);
    this.#backend.objects.set(step.name, { bytes: step.bytes, tag });
    if (step.name.startsWith(changesPrefix)) {
      this.#backend.changes.delete(step.name);
      this.#backend.changes.set(step.name, this.#backend.sequence);
    }
    return tag;
  }

  async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    this.#refuseWhenClosed();
    const chunks: Uint8Array[] = [];
    for await (const chunk of source) {
      signal?.throwIfAborted();
      // The source may use its buffer again.
      chunks.push(Uint8Array.prototype.slice.call(chunk));
    }
    signal?.throwIfAborted();
    this.#backend.streams.set(name, chunks);
    return { size: totalLength(chunks) };
  }

  async deleteStream(name: string): Promise<void> {
    this.#refuseWhenClosed();
    this.#backend.streams.delete(name);
  }

  async list(prefix: string, options: PageOptions): Promise<NamePage> {
    this.#refuseWhenClosed();
    return this.#backend.names.page(prefix, options);
  }

  async scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    this.#refuseWhenClosed();
    const { names, more } = this.#backend.names.page(prefix, options);
    const objects = names.flatMap((name) => {
      const object = this.#backend.objects.get(name);
      return object === undefined ? [] : [{ name, ...object }];
    });
    return scanPage(objects, more);
  }

  async changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    this.#refuseWhenClosed();
    const { changes, sequence } = this.#backend;
    const since = sequenceOf(cursor, sequence, this.label);
    const found: NamedObject[] = [];
    for (const [name, changed] of changes) {
      const object = changed > since ? this.#backend.objects.get(name) : undefined;
      if (object !== undefined) found.push({ name, ...object });
      if (found.length > limit) break;
    }
    const page = scanPage(found.slice(0, limit), found.length > limit);
    return changePage(page, sequence, ({ tag }) => Number(tag));
  }

  async listStreams(prefix: string, { after, limit }: PageOptions): Promise<StreamPage> {
    this.#refuseWhenClosed();
    const names = [...this.#backend.streams.keys()]
      .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
      .sort();
    const page = names.slice(0, limit);
    return { names: page, next: names.length > limit ? page.at(-1) : undefined };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new StoreFailure("closed", "mem:// was closed");
  }
}

function holds(when: Precondition, tag: VersionTag | undefined): boolean {
  if (when.kind === "any") return true;
  return when.kind === "absent" ? tag === undefined : tag === when.tag;
}

function totalLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function bodyOf(chunks: readonly Uint8Array[]): BodyStream {
  async function* iterate(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  return { [Symbol.asyncIterator]: iterate, close: async () => {} };
}
