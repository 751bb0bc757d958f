/** Any sequence of changes, commits and rollbacks, against what the contract says in plain maps. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import { garbageDelayMs } from "../../../src/engine/limits.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../../support/test-engine.ts";

type Step =
  | { readonly kind: "put"; readonly name: string; readonly keep: boolean }
  | { readonly kind: "delete"; readonly name: string }
  | { readonly kind: "clear" | "update" | "remove" | "commit" | "rollback" | "expire" };

/** What is held under a name: which upload it was, and since when the name is known. */
type Files = ReadonlyMap<string, string>;

/** The contract in its plainest form: maps, copied with every change. */
class Model {
  committed: Files = new Map();
  staged: Files | undefined;
  hasState = false;
  stagedState: "none" | "state" | "removal" = "none";
  version = 0;
  stagedVersion = 0;

  get view(): Files {
    return this.stagedState === "removal" ? new Map() : (this.staged ?? this.committed);
  }

  get effectiveVersion(): number {
    return this.stagedVersion > 0 ? this.stagedVersion : this.version;
  }

  change(files: Files): void {
    this.staged = files;
    this.touch();
  }

  touch(): void {
    if (this.stagedVersion === 0) this.stagedVersion = this.version + 1;
  }

  /** Whether the key's removal is staged by the call. */
  remove(): boolean {
    if (!this.hasState && this.stagedState === "none") return false;
    this.stagedVersion = this.effectiveVersion + 1;
    this.stagedState = "removal";
    return true;
  }

  end(commits: boolean): void {
    if (commits && this.stagedVersion > 0) {
      this.committed = this.view;
      if (this.stagedState !== "none") this.hasState = this.stagedState === "state";
      this.version = this.stagedVersion;
    }
    this.staged = undefined;
    this.stagedState = "none";
    this.stagedVersion = 0;
  }
}

const names = fc.constantFrom("a", "b", "c");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("put"), name: names, keep: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete"), name: names }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("clear", "update", "remove", "commit", "commit", "rollback", "expire"),
    }),
  },
) as fc.Arbitrary<Step>;

class Run {
  readonly #world: TestEngine;
  readonly #model = new Model();
  #uploads = 0;
  #lease: LeaseAddress = {};

  constructor(exclusive: boolean) {
    this.#world = testEngine({ store: new ScriptedStore({ exclusive }) });
  }

  async acquire(): Promise<void> {
    const { engine } = this.#world;
    const lease = await engine.acquire({ key: "k", owner: "w", ttlSeconds: 30, blockSeconds: -1 });
    this.#lease = lease;
  }

  async perform(next: Step): Promise<void> {
    const { engine, clock } = this.#world;
    switch (next.kind) {
      case "put":
        return this.#put(next.name, next.keep);
      case "delete":
        return this.#delete(next.name);
      case "clear":
        return this.#clear();
      case "update":
        await engine.update(this.#lease, Buffer.from("{}"));
        this.#model.touch();
        this.#model.stagedState = "state";
        return;
      case "remove": {
        const { removed } = await engine.remove(this.#lease);
        expect(removed).toBe(this.#model.remove());
        return;
      }
      case "expire":
        await clock.advance(31_000);
        this.#model.end(false);
        return this.acquire();
      default:
        await engine.release({ ...this.#lease, rollback: next.kind === "rollback" });
        this.#model.end(next.kind === "commit");
        return this.acquire();
    }
  }

  async #put(name: string, keep: boolean): Promise<void> {
    this.#uploads += 1;
    const content = `${name}${this.#uploads}`;
    const model = this.#model;
    const { attachments } = this.#world.engine;
    const request = { ...this.#lease, name, preventOverwrite: keep };
    const result = await attachments.attach(request, Buffer.from(content));
    const taken = keep && (model.view.has(name) || model.committed.has(name));
    expect(result.noop).toBe(taken);
    if (!taken) model.change(new Map(model.staged ?? model.committed).set(name, content));
    expect(result.version).toBe(model.effectiveVersion);
  }

  async #delete(name: string): Promise<void> {
    const model = this.#model;
    const result = await this.#world.engine.attachments.delete({ ...this.#lease, name });
    expect(result.deleted).toBe(model.view.has(name));
    if (result.deleted) {
      model.change(new Map([...model.view].filter(([other]) => other !== name)));
    }
    expect(result.version).toBe(model.effectiveVersion);
  }

  async #clear(): Promise<void> {
    const model = this.#model;
    const result = await this.#world.engine.attachments.deleteAll(this.#lease);
    expect(result.deleted).toBe(model.view.size);
    if (model.stagedState !== "removal") model.change(new Map());
    expect(result.version).toBe(model.effectiveVersion);
  }

  /** The holder and everybody else see what the model says, and can read it. */
  async compare(): Promise<void> {
    const { engine } = this.#world;
    await this.#compareFiles(this.#lease, this.#model.view);
    await this.#compareFiles({ key: "k", public: true }, this.#model.committed);
    expect((await engine.describe({ key: "k" })).version).toBe(this.#model.version);
  }

  async #compareFiles(address: LeaseAddress & { public?: boolean }, files: Files): Promise<void> {
    const { attachments } = this.#world.engine;
    const listed = await attachments.list(address);
    expect(listed.attachments.map(({ name }) => name)).toEqual([...files.keys()].sort());
    for (const [name, content] of files) {
      const { body } = await attachments.retrieve({ ...address, name });
      const parts: Uint8Array[] = [];
      for await (const part of body instanceof Uint8Array ? [body] : body) parts.push(part);
      expect(Buffer.concat(parts).toString()).toBe(content);
    }
  }

  /** Nothing is kept that no view shows. */
  async checkGarbage(): Promise<void> {
    const { engine, clock, store } = this.#world;
    await engine.release({ ...this.#lease, rollback: true });
    this.#model.end(false);
    await clock.advance(garbageDelayMs + 1_000);
    const kept = [...store.streams.values()].map((bytes) => Buffer.from(bytes).toString());
    expect(kept.sort()).toEqual([...this.#model.committed.values()].sort());
  }
}

test.each([
  ["records are kept in memory", true],
  ["records are read from the store each time", false],
])(
  "uploads, deletions, removals, commits and rollbacks add up: %s",
  async (_name, exclusive) => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 40 }),
      async (steps) => {
        const run = new Run(exclusive);
        await run.acquire();
        for (const next of steps) {
          await run.perform(next);
          await run.compare();
        }
        await run.checkGarbage();
      },
    );
    await fc.assert(property, { numRuns: 200 });
  },
  120_000,
);
