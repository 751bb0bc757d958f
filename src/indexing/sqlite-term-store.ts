/** The index of a disk store: written by a thread, read where the query runs. */
import { existsSync } from "node:fs";
import type {
  BatchOutcome,
  FoundKeys,
  KeyLookup,
  Publication,
  RecordBatch,
  TermStore,
} from "../engine/ports/term-store.ts";
import { isDamage, openForReading, placeOfStore, UnusableIndex } from "./index-database.ts";
import { indexFile, indexNumbers } from "./index-files.ts";
import { packRecords } from "./index-messages.ts";
import { IndexReader } from "./index-reader.ts";
import { IndexThread } from "./index-thread.ts";

interface OpenReader {
  readonly file: string;
  readonly reader: IndexReader;
}

const unpublished: Publication = { seq: 0, updatedAtMs: undefined };

export class SqliteTermStore implements TermStore {
  readonly #directory: string;
  readonly #damaged: () => void;
  readonly #thread: IndexThread;
  #open: OpenReader | undefined;

  /** `damaged` is called when a file turns out to be of no use, or is gone. */
  constructor(directory: string, damaged: () => void) {
    this.#directory = directory;
    this.#damaged = damaged;
    this.#thread = new IndexThread(directory);
  }

  async cursor(): Promise<string | undefined> {
    const cursor = await this.#thread.ask({ kind: "cursor" });
    return typeof cursor === "string" ? cursor : undefined;
  }

  async apply({ records, ...batch }: RecordBatch): Promise<BatchOutcome> {
    const packed = packRecords(records);
    const request = { kind: "apply", batch: { ...batch, packed } } as const;
    const outcome = await this.#thread.ask(request, [packed.bytes]);
    return outcome === "applied" ? "applied" : "overtaken";
  }

  async find(lookup: KeyLookup): Promise<FoundKeys> {
    const found = await this.#read((reader) => reader.find(lookup));
    return found ?? { kind: "incomplete", publication: unpublished };
  }

  async status(namespace: string): Promise<Publication> {
    return (await this.#read(async (reader) => reader.status(namespace))) ?? unpublished;
  }

  async renew(): Promise<void> {
    await this.#thread.ask({ kind: "renew" });
    this.#closeReader();
  }

  async claimRebuild(
    namespace: string,
    { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean> {
    return (await this.#thread.ask({ kind: "claim", namespace, nowMs, untilMs })) === true;
  }

  async endRebuild(namespace: string): Promise<void> {
    await this.#thread.ask({ kind: "endRebuild", namespace });
  }

  async close(): Promise<void> {
    // First: the last one to close a file brings it into its final form.
    this.#closeReader();
    await this.#thread.stop();
  }

  /** Undefined when there is no file that has seen all records. */
  async #read<T>(run: (reader: IndexReader) => Promise<T>): Promise<T | undefined> {
    try {
      const reader = this.#reader();
      return reader === undefined ? undefined : await run(reader);
    } catch (error) {
      if (isBusy(error)) return undefined;
      if (!isDamage(error)) throw error;
      this.#closeReader();
      this.#damaged();
      return undefined;
    }
  }

  #reader(): IndexReader | undefined {
    if (this.#open !== undefined && existsSync(this.#open.file)) return this.#open.reader;
    const wasOpen = this.#open !== undefined;
    this.#closeReader();
    this.#open = this.#newestReader();
    if (wasOpen && this.#open === undefined) this.#damaged();
    return this.#open?.reader;
  }

  #newestReader(): OpenReader | undefined {
    for (const number of indexNumbers(this.#directory)) {
      const file = indexFile(this.#directory, number);
      try {
        const db = openForReading(file, placeOfStore(this.#directory));
        return { file, reader: new IndexReader(db) };
      } catch (error) {
        if (!(error instanceof UnusableIndex)) throw error;
      }
    }
    return undefined;
  }

  #closeReader(): void {
    this.#open?.reader.close();
    this.#open = undefined;
  }
}

/** For the moment in which another process opens or closes the file: there is no index then. */
function isBusy(error: unknown): boolean {
  return String((error as { code?: unknown } | undefined)?.code ?? "").startsWith("SQLITE_BUSY");
}
