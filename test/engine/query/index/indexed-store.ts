/** A store with an index, written to as the engine does but without one: records, one by one. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Store } from "../../../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../../../src/engine/ports/telemetry.ts";
import type { StoreIndex } from "../../../../src/engine/query/index/store-index.ts";
import { absentRecord, recordName } from "../../../../src/engine/record/key-record.ts";
import { encodeRecord } from "../../../../src/engine/record/record-codec.ts";
import { systemRandom } from "../../../../src/host/random.ts";
import { openIndex } from "../../../../src/indexing/open-index.ts";
import type { CheckedSelector } from "../../../../src/lql/selector/selector.ts";
import { MemoryStore } from "../../../../src/storage/memory/memory-store.ts";
import { type Gear, openStore } from "../../../../src/storage/open.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

export interface PutOptions {
  readonly hidden?: boolean;
  /** The state is an object of its own, as large ones are. */
  readonly apart?: boolean;
}

export class IndexedStore {
  readonly store: Store;
  readonly directory: string | undefined;
  readonly clock = new ManualClock();
  index: StoreIndex;
  #version = 0;

  private constructor(store: Store, directory: string | undefined) {
    this.store = store;
    this.directory = directory;
    this.index = this.openIndex();
  }

  static inMemory(): IndexedStore {
    return new IndexedStore(new MemoryStore(), undefined);
  }

  static async onDisk(gear: Gear, directory?: string): Promise<IndexedStore> {
    const place = directory ?? (await mkdtemp(path.join(tmpdir(), "lockd-index-")));
    return new IndexedStore(await openStore(`disk://${place}`, { gear }), place);
  }

  /** Another index over the same store, as another process has it. */
  openIndex(publishes = false): StoreIndex {
    const { store, directory, clock } = this;
    return openIndex({
      store,
      storeUrl: directory === undefined ? "mem://" : `disk://${directory}`,
      clock,
      random: systemRandom(),
      telemetry: silentTelemetry,
      publishes,
    });
  }

  /** Commits a document; undefined removes it. */
  async put(key: string, document: string | undefined, options: PutOptions = {}): Promise<void> {
    this.#version += 1;
    const [namespace = "", name = ""] = key.split(":");
    const bytes = Buffer.from(document ?? "");
    const etag = createHash("sha256").update(bytes).digest("hex");
    const object = `b/${namespace}/${name}/${this.#version}`;
    if (options.apart === true) await this.store.putStream(object, once(bytes));
    const place =
      options.apart === true
        ? ({ kind: "object", name: object } as const)
        : ({ kind: "inline", bytes } as const);
    const record = {
      ...absentRecord,
      version: this.#version,
      fencingToken: this.#version,
      updatedAtUnix: this.#version,
      state: document === undefined ? undefined : { etag, size: bytes.length, place },
      queryHidden: options.hidden,
    };
    await this.store.apply([
      {
        kind: "put",
        name: recordName(namespace, name),
        bytes: encodeRecord(record, `w${this.#version}`),
        when: { kind: "any" },
      },
    ]);
  }

  /** All candidates, page by page. */
  async candidates(
    namespace: string,
    selector: CheckedSelector,
    limit = 1_000,
    index = this.index,
  ): Promise<string[]> {
    const keys: string[] = [];
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await index.candidates({ namespace, selector, after, limit });
      if (page.keys.length > limit) throw new Error(`${page.keys.length} keys in a page`);
      keys.push(...page.keys);
      after = page.keys.at(-1);
      more = page.more && page.keys.length > 0;
    }
    return keys;
  }

  async close(): Promise<void> {
    await this.index.close();
    await this.store.close();
    if (this.directory !== undefined) await rm(this.directory, { recursive: true });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
