/**
 * The exclusive gear: a process that owns the directory acknowledges a write when it is synced in
 * the journal; SQLite gets it later, coalesced, in a worker. What SQLite does not have yet is in
 * the overlay. One frame is one write and one sync for all plans that came in meanwhile.
 */
import {
  type ApplyResult,
  listLimitMax,
  type NamePage,
  type ObjectStream,
  type Plan,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
} from "../../../engine/ports/store.ts";
import type { ContentFiles } from "../content-files.ts";
import { mergePages } from "../merge-pages.ts";
import { tagOf } from "../sqlite-rows.ts";
import { type JournalParts, JournalWriter } from "./journal-writer.ts";
import { overlayPage } from "./overlay-page.ts";

export interface ExclusiveStoreParts extends JournalParts {
  readonly content: ContentFiles;
  /**
   * Called last when the store is closed: gives up the ownership. Not `clean`: the journal still
   * holds what SQLite lacks, and the next opener has to recover it.
   */
  readonly onClosed: (clean: boolean) => void;
}

export async function openExclusiveStore(parts: ExclusiveStoreParts): Promise<Store> {
  const writer = await JournalWriter.open(parts);
  return new ExclusiveStore(parts, writer);
}

class ExclusiveStore implements Store {
  readonly label: string;
  readonly capabilities: StoreCapabilities = { atomicPlan: true, exclusive: true, watch: false };
  readonly #parts: ExclusiveStoreParts;
  readonly #writer: JournalWriter;
  #closed: Promise<void> | undefined;

  constructor(parts: ExclusiveStoreParts, writer: JournalWriter) {
    this.#parts = parts;
    this.#writer = writer;
    this.label = `disk://${parts.directory}`;
  }

  async get(name: string): Promise<StoredObject | undefined> {
    this.#refuseWhenClosed();
    const fresh = this.#writer.overlay.get(name);
    if (fresh === undefined) return this.#parts.rows.get(name);
    return fresh.bytes === undefined ? undefined : { bytes: fresh.bytes, tag: tagOf(fresh.seq) };
  }

  async getStream(name: string): Promise<ObjectStream | undefined> {
    this.#refuseWhenClosed();
    return this.#parts.content.read(name);
  }

  async apply(plan: Plan): Promise<ApplyResult> {
    this.#refuseWhenClosed();
    return this.#writer.apply(plan);
  }

  async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    this.#refuseWhenClosed();
    return this.#parts.content.write(name, source, signal);
  }

  async deleteStream(name: string): Promise<void> {
    this.#refuseWhenClosed();
    await this.#parts.content.delete(name);
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit: number },
  ): Promise<NamePage> {
    this.#refuseWhenClosed();
    const limit = Math.min(options.limit, listLimitMax);
    let after = options.after;
    for (;;) {
      // Both in one turn: what the mover takes out of the overlay is in the rows by then.
      const rows = this.#parts.rows.list(prefix, after, limit);
      const fresh = overlayPage(this.#writer.overlay, prefix, { after, limit });
      const files = await this.#parts.content.list(prefix, after, limit);
      const page = mergePages(mergePages(rows, fresh, limit), files, limit);
      const names = page.names.filter((name) => !fresh.deleted.has(name));
      const last = page.names.at(-1);
      // A page of nothing but deleted names is no end.
      if (names.length > 0 || !page.more || last === undefined) return { names, more: page.more };
      after = last;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    let clean = false;
    try {
      clean = await this.#writer.close();
    } finally {
      this.#parts.onClosed(clean);
    }
  }

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw new StoreFailure("closed", `${this.label} was closed`);
  }
}
