import type {
  ApplyResult,
  NamePage,
  ObjectPage,
  ObjectStream,
  PageOptions,
  Plan,
  Store,
  StoreCapabilities,
  StoredObject,
  StoreFailure,
  StreamPage,
  VersionTag,
} from "../../src/engine/ports/store.ts";

/** What the next `apply` does instead of simply working. */
export type Script =
  | { readonly kind: "work" }
  /** Takes effect, but the caller is not told. */
  | { readonly kind: "lose-answer" }
  /** Takes no effect, and the caller is not told. */
  | { readonly kind: "lose-request" }
  /** Takes effect only after the next `apply` has begun. */
  | { readonly kind: "land-late" }
  /** Somebody else writes first. */
  | { readonly kind: "after"; readonly rival: () => Promise<unknown> }
  /** Waits until the returned promise resolves, then works. */
  | { readonly kind: "wait"; readonly until: Promise<unknown> }
  | { readonly kind: "fail"; readonly failure: StoreFailure };

/** A store in memory whose every write can be told what to do. */
export class ScriptedStore implements Store {
  readonly label = "scripted";
  readonly capabilities: StoreCapabilities;
  readonly objects = new Map<string, StoredObject>();
  readonly streams = new Map<string, Uint8Array>();
  readonly scripts: Script[] = [];
  applies = 0;
  gets = 0;
  #sequence = 0;
  #late: Plan | undefined;

  constructor(capabilities: Partial<StoreCapabilities> = {}) {
    this.capabilities = {
      atomicPlan: true,
      exclusive: true,
      watch: false,
      changes: false,
      ...capabilities,
    };
  }

  async get(name: string): Promise<StoredObject | undefined> {
    this.gets += 1;
    return this.objects.get(name);
  }

  async getMany(names: readonly string[]): Promise<readonly (StoredObject | undefined)[]> {
    this.gets += 1;
    return names.map((name) => this.objects.get(name));
  }

  async getStream(name: string): Promise<ObjectStream | undefined> {
    const bytes = this.streams.get(name);
    if (bytes === undefined) return undefined;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes as Uint8Array;
    }
    const body = { [Symbol.asyncIterator]: chunks, close: async () => {} };
    return { size: bytes.length, body };
  }

  async apply(plan: Plan): Promise<ApplyResult> {
    this.applies += 1;
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) this.#perform(late);
    const script = this.scripts.shift() ?? { kind: "work" };
    switch (script.kind) {
      case "lose-answer":
        this.#perform(plan);
        return { kind: "unknown", cause: new Error("answer lost") };
      case "lose-request":
        return { kind: "unknown", cause: new Error("request lost") };
      case "land-late":
        this.#late = plan;
        return { kind: "unknown", cause: new Error("no answer yet") };
      case "after":
        await script.rival();
        return this.#perform(plan);
      case "wait":
        await script.until;
        return this.#perform(plan);
      case "fail":
        throw script.failure;
      default:
        return this.#perform(plan);
    }
  }

  #perform(plan: Plan): ApplyResult {
    for (const [step, { name, when }] of plan.entries()) {
      const stored = this.objects.get(name);
      const holds =
        when.kind === "any" ||
        (when.kind === "absent" ? stored === undefined : stored?.tag === when.tag);
      if (!holds) return { kind: "conflict", step };
    }
    const tags = plan.map((step) => {
      if (step.kind === "delete") {
        this.objects.delete(step.name);
        return undefined;
      }
      this.#sequence += 1;
      const tag = String(this.#sequence) as VersionTag;
      this.objects.set(step.name, { bytes: step.bytes, tag });
      return tag;
    });
    return { kind: "applied", tags };
  }

  async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    const parts: Uint8Array[] = [];
    for await (const part of source) {
      signal?.throwIfAborted();
      parts.push(Uint8Array.prototype.slice.call(part));
    }
    const bytes = Buffer.concat(parts);
    this.streams.set(name, bytes);
    return { size: bytes.length };
  }

  async deleteStream(name: string): Promise<void> {
    this.streams.delete(name);
  }

  async list(prefix: string, options: PageOptions): Promise<NamePage> {
    const { objects, more } = await this.scan(prefix, options);
    return { names: objects.map(({ name }) => name), more };
  }

  async scan(prefix: string, { after, limit }: PageOptions): Promise<ObjectPage> {
    const objects = [...this.objects]
      .map(([name, object]) => ({ name, ...object }))
      .filter(({ name }) => name.startsWith(prefix) && (after === undefined || name > after))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { objects: objects.slice(0, limit), more: objects.length > limit };
  }

  async listStreams(prefix: string, { after, limit }: PageOptions): Promise<StreamPage> {
    const found = [...this.streams.keys()]
      .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
      .sort();
    const names = found.slice(0, limit);
    return { names, next: found.length > limit ? names.at(-1) : undefined };
  }

  async close(): Promise<void> {}
}
