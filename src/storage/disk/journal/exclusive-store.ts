/**
 * The exclusive gear: a process that owns the directory acknowledges a write when it is synced in
 * the journal; SQLite gets it later, coalesced, in a worker. What SQLite does not have yet is in
 * the overlay. One frame is one write and one sync for all plans that came in meanwhile.
 */
import {
  type ApplyResult,
  type ChangePage,
  listLimitMax,
  type NamedObject,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
  type StreamPage,
} from "../../../engine/ports/store.ts";
import { changePage, sequenceOf } from "../../change-page.ts";
import { scanPage } from "../../scan-page.ts";
import type { ContentFiles } from "../content-files.ts";
import { mergePages, type Named, type PageOf } from "../merge-pages.ts";
import { tagOf } from "../sqlite-rows.ts";
import type { JournalEntry } from "./frame.ts";
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

/** Where the two halves of a page come from. */
interface PagePlaces<T extends Named> {
  readonly rows: (after: string | undefined, limit: number) => PageOf<T>;
  readonly fresh: (name: string, entry: JournalEntry) => T;
}

const noBytes = new Uint8Array(0);

export async function openExclusiveStore(parts: ExclusiveStoreParts): Promise<Store> {
  const writer = await JournalWriter.open(parts);
  return new ExclusiveStore(parts, writer);
}

class ExclusiveStore implements Store {
  readonly label: string;
  readonly capabilities: StoreCapabilities = {
    atomicPlan: true,
    exclusive: true,
    watch: false,
    changes: true,
  };
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

  /** What only the overlay has, and the rest from the rows, in one turn of the event loop. */
  async getMany(names: readonly string[]): Promise<readonly (StoredObject | undefined)[]> {
    this.#refuseWhenClosed();
    const { overlay } = this.#writer;
    const fresh = names.map((name) => overlay.get(name));
    if (!fresh.some((entry) => entry !== undefined)) return this.#parts.rows.getMany(names);
    const moved = this.#parts.rows.getMany(names.filter((_name, at) => fresh[at] === undefined));
    let next = 0;
    return fresh.map((entry) => {
      if (entry === undefined) {
        next += 1;
        return moved[next - 1];
      }
      const { bytes, seq } = entry;
      return bytes === undefined ? undefined : { bytes, tag: tagOf(seq) };
    });
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

  async list(prefix: string, options: PageOptions): Promise<NamePage> {
    const { rows } = this.#parts;
    const page = this.#page(prefix, options, {
      rows: (after, limit) => {
        const { names, more } = rows.list(prefix, after, limit);
        return { objects: names.map((name) => ({ name })), more };
      },
      fresh: (name) => ({ name }),
    });
    return { names: page.objects.map(({ name }) => name), more: page.more };
  }

  async scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    const { rows } = this.#parts;
    const { objects, more } = this.#page<NamedObject>(prefix, options, {
      rows: (after, limit) => rows.scan(prefix, after, limit),
      fresh: (name, { bytes, seq }) => ({ name, bytes: bytes ?? noBytes, tag: tagOf(seq) }),
    });
    return scanPage(objects, more);
  }

  /**
   * Rows and overlay as one page, in one turn of the event loop: what the mover takes out of the
   * overlay is in the rows by then.
   */
  #page<T extends Named>(prefix: string, options: PageOptions, places: PagePlaces<T>): PageOf<T> {
    this.#refuseWhenClosed();
    const { overlay } = this.#writer;
    const limit = Math.min(options.limit, listLimitMax);
    let after = options.after;
    for (;;) {
      const names = overlayPage(overlay, prefix, { after, limit });
      const fresh = names.names.flatMap((name) => {
        const entry = overlay.get(name);
        return entry === undefined ? [] : [places.fresh(name, entry)];
      });
      const rows = places.rows(after, limit);
      const { objects: all, more } = mergePages({ objects: fresh, more: names.more }, rows, limit);
      const objects = all.filter(({ name }) => !names.deleted.has(name));
      const last = all.at(-1)?.name;
      // A page of nothing but deleted names is no end.
      if (objects.length > 0 || !more || last === undefined) return { objects, more };
      after = last;
    }
  }

  /** What SQLite has comes first, then what only the journal has: that is the order of writing. */
  async changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    this.#refuseWhenClosed();
    const { overlay, changes } = this.#writer;
    const since = sequenceOf(cursor, changes.last, this.label);
    // Read first: what the mover commits after it is in the overlay until the end of this turn.
    const inRows = this.#parts.rows.lastSeq();
    const moved = this.#parts.rows.changes(since, limit);
    const objects = moved.objects.filter(({ name, tag }) => {
      // What the overlay has newer comes in its own turn.
      const isNewest = !overlay.has(name) || overlay.get(name)?.seq === Number(tag);
      return isNewest && Number(tag) <= inRows;
    });
    const end = moved.objects.at(-1);
    if (moved.more && end !== undefined && Number(end.tag) <= inRows) {
      return { objects, more: true, cursor: end.tag };
    }
    for (const { name, seq } of changes.after(Math.max(since, inRows))) {
      const entry = overlay.get(name);
      if (entry?.seq !== seq) continue;
      objects.push({ name, bytes: entry.bytes ?? noBytes, tag: tagOf(seq) });
      if (objects.length > limit) break;
    }
    const page = scanPage(objects.slice(0, limit), objects.length > limit);
    return changePage(page, changes.last, ({ tag }) => Number(tag));
  }

  async listStreams(prefix: string, options: PageOptions): Promise<StreamPage> {
    this.#refuseWhenClosed();
    return this.#parts.content.list(prefix, options);
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
