/**
 * The index of stores that have no machinery of their own for it: immutable segments, written
 * through the store port, and a manifest that names them. Simple and right first: a query reads
 * the terms of every document behind its cursor, one chunk at a time, until its page is full.
 */
import type { Random } from "../../../ports/random.ts";
import type { Store, VersionTag } from "../../../ports/store.ts";
import type {
  BatchOutcome,
  FoundKeys,
  KeyLookup,
  Publication,
  RecordBatch,
  TermStore,
} from "../../../ports/term-store.ts";
import { committedDocument } from "../committed-document.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  manifestName,
  type NamespaceSegments,
  noSegments,
  type SegmentPlace,
} from "./manifest.ts";
import { inOrder, mergeChunk, newestDocuments, type PlacedDocument } from "./merge-segments.ts";
import { PlanMatcher } from "./plan-matcher.ts";
import { SegmentBuilder, segmentRoot } from "./segment.ts";
import { SegmentFiles, SegmentGone } from "./segment-files.ts";

/** Publications that are merged into chunks when there are so many; a query reads all of them. */
const deltasMax = 8;

/** Times a query begins again because its segments were merged under it. */
const lookupAttemptsMax = 5;

interface Current {
  readonly manifest: Manifest | undefined;
  /** Of the manifest as stored, damaged or not. */
  readonly tag: VersionTag | undefined;
}

type Draft = Omit<Manifest, "format" | "writeId">;

const emptyDraft: Draft = { cursor: "", complete: false, namespaces: {}, rebuilds: {} };

export class SegmentStore implements TermStore {
  readonly #store: Store;
  readonly #random: Random;
  readonly #files: SegmentFiles;
  /** Superseded by publications of this process; deleted when there is time. */
  #superseded: string[] = [];

  constructor(ports: { readonly store: Store; readonly random: Random }) {
    this.#store = ports.store;
    this.#random = ports.random;
    this.#files = new SegmentFiles(ports.store, ports.random);
  }

  async cursor(): Promise<string | undefined> {
    return (await this.#current()).manifest?.cursor;
  }

  async apply(batch: RecordBatch): Promise<BatchOutcome> {
    try {
      return await this.#publish(batch);
    } catch (error) {
      if (!(error instanceof SegmentGone)) throw error;
      // Merged by another process since, or lost; in doubt the index is made anew.
      if ((await this.cursor()) === batch.since) await this.renew();
      return "overtaken";
    }
  }

  async #publish(batch: RecordBatch): Promise<BatchOutcome> {
    const { manifest, tag } = await this.#current();
    if (manifest?.cursor !== batch.since) return "overtaken";
    const base: Draft = manifest ?? emptyDraft;
    const namespaces: Record<string, NamespaceSegments> = { ...base.namespaces };
    const written: string[] = [];
    const superseded: string[] = [];
    for (const [namespace, builder] of await this.#buildDeltas(batch)) {
      const before = namespaces[namespace] ?? noSegments;
      const delta = await this.#files.write(namespace, builder);
      written.push(delta.object);
      let next: NamespaceSegments = { ...before, deltas: [...before.deltas, delta] };
      if (next.deltas.length > deltasMax) {
        const merged = await this.#merge(namespace, next);
        superseded.push(...objectsOf(next).filter((name) => !objectsOf(merged).includes(name)));
        written.push(...objectsOf(merged));
        next = merged;
      }
      namespaces[namespace] = { ...next, seq: before.seq + 1, updatedAtMs: batch.nowMs };
    }
    const complete = base.complete || batch.complete;
    const draft = { ...base, cursor: batch.cursor, complete, namespaces };
    const done = await this.#swap(draft, tag);
    if (done === "applied") {
      await this.#deleteSuperseded();
      this.#superseded = superseded;
    } else if (done === "conflict") {
      const kept = new Set(Object.values(base.namespaces).flatMap(objectsOf));
      await this.#files.delete(written.filter((name) => !kept.has(name)));
    }
    return done === "applied" ? "applied" : "overtaken";
  }

  async find(lookup: KeyLookup): Promise<FoundKeys> {
    for (let attempt = 1; ; attempt += 1) {
      const { manifest } = await this.#current();
      const segments = manifest?.namespaces[lookup.namespace] ?? noSegments;
      const publication = publicationOf(segments);
      if (manifest?.complete !== true) return { kind: "incomplete", publication };
      try {
        return { kind: "keys", ...(await this.#findIn(segments, lookup)), publication };
      } catch (error) {
        if (!(error instanceof SegmentGone)) throw error;
        // Merged by another process since; or lost, and then every key is a candidate.
        if (attempt >= lookupAttemptsMax) return { kind: "incomplete", publication };
      }
    }
  }

  async status(namespace: string) {
    const { manifest } = await this.#current();
    return publicationOf(manifest?.namespaces[namespace] ?? noSegments);
  }

  async renew(): Promise<void> {
    const { tag } = await this.#current();
    if (tag === undefined) return;
    await this.#store.apply([{ kind: "delete", name: manifestName, when: { kind: "tag", tag } }]);
  }

  async claimRebuild(
    namespace: string,
    { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean> {
    const { manifest, tag } = await this.#current();
    if (manifest === undefined) return true;
    if ((manifest.rebuilds[namespace] ?? 0) > nowMs) return false;
    const rebuilds = { ...manifest.rebuilds, [namespace]: untilMs };
    return (await this.#swap({ ...manifest, rebuilds }, tag)) === "applied";
  }

  async endRebuild(namespace: string): Promise<void> {
    const { manifest, tag } = await this.#current();
    if (manifest === undefined) return;
    const { [namespace]: _ended, ...rebuilds } = manifest.rebuilds;
    await this.#swap({ ...manifest, rebuilds }, tag);
  }

  tidy(): Promise<void> {
    return this.#deleteSuperseded();
  }

  async close(): Promise<void> {
    await this.#deleteSuperseded();
  }

  async #current(): Promise<Current> {
    const stored = await this.#store.get(manifestName);
    if (stored === undefined) return { manifest: undefined, tag: undefined };
    return { manifest: decodeManifest(stored), tag: stored.tag };
  }

  async #swap(draft: Draft, tag: VersionTag | undefined) {
    const writeId = this.#random.xid();
    const bytes = encodeManifest({ ...draft, writeId });
    const when = tag === undefined ? { kind: "absent" as const } : { kind: "tag" as const, tag };
    const result = await this.#store.apply([{ kind: "put", name: manifestName, bytes, when }]);
    if (result.kind !== "unknown") return result.kind;
    // It may still land; but then whatever was decided on the same version does not.
    return (await this.#current()).manifest?.writeId === writeId ? "applied" : "unknown";
  }

  async #buildDeltas(batch: RecordBatch): Promise<Map<string, SegmentBuilder>> {
    const builders = new Map<string, SegmentBuilder>();
    const ordered = [...batch.records].sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const record of ordered) {
      const document = committedDocument(record, (name) => this.#store.getStream(name));
      if (document === undefined) continue;
      const builder = builders.get(document.namespace) ?? new SegmentBuilder();
      builders.set(document.namespace, builder);
      const { key, stamp } = document;
      const content =
        stamp === undefined ? undefined : await document.terms(segmentRoot, builder.paths);
      builder.add({ key, content });
    }
    return builders;
  }

  async #merge(
    namespace: string,
    { chunks, deltas, ...rest }: NamespaceSegments,
  ): Promise<NamespaceSegments> {
    const newer = newestDocuments(await this.#files.readAll(deltas));
    const merged: SegmentPlace[] = [];
    for (const [chunk, part] of parted(chunks, newer)) {
      if (chunk !== undefined && part.length === 0) {
        merged.push(chunk);
        continue;
      }
      const old = chunk === undefined ? undefined : await this.#files.read(chunk.object);
      for (const builder of mergeChunk(old, part)) {
        merged.push(await this.#files.write(namespace, builder));
      }
    }
    return { ...rest, chunks: merged, deltas: [] };
  }

  async #findIn(
    { chunks, deltas }: NamespaceSegments,
    { plan, after, limit, signal }: KeyLookup,
  ): Promise<{ readonly keys: readonly string[]; readonly more: boolean }> {
    const matcher = new PlanMatcher(plan);
    const isBehind = (key: string): boolean => after === undefined || key > after;
    const newer = newestDocuments(await this.#files.readAll(deltas));
    const behind = newer.filter(({ document }) => isBehind(document.key));
    const open = chunks.filter(({ last }) => isBehind(last));
    const keys: string[] = [];
    for (const [chunk, part] of parted(open, behind)) {
      signal?.throwIfAborted();
      const segment = chunk === undefined ? undefined : await this.#files.read(chunk.object);
      for (const { document, segment: from } of inOrder(segment, part)) {
        const { key, content } = document;
        if (content === undefined || !isBehind(key) || !matcher.mayMatch(content, from)) continue;
        if (keys.length === limit) return { keys, more: true };
        keys.push(key);
      }
    }
    return { keys, more: false };
  }

  async #deleteSuperseded(): Promise<void> {
    const names = this.#superseded;
    this.#superseded = [];
    await this.#files.delete(names);
  }
}

function publicationOf({ seq, updatedAtMs }: NamespaceSegments): Publication {
  return { seq, updatedAtMs: seq === 0 ? undefined : updatedAtMs };
}

function objectsOf({ chunks, deltas }: NamespaceSegments): string[] {
  return [...chunks, ...deltas].map(({ object }) => object);
}

/** Each chunk with the newer documents up to where the next one begins. */
function* parted(
  chunks: readonly SegmentPlace[],
  newer: readonly PlacedDocument[],
): Generator<readonly [SegmentPlace | undefined, readonly PlacedDocument[]]> {
  if (chunks.length === 0) yield [undefined, newer];
  let from = 0;
  for (const [at, chunk] of chunks.entries()) {
    const end = chunks[at + 1]?.first;
    let to = from;
    while (to < newer.length && (end === undefined || (newer[to]?.document.key ?? "") < end)) {
      to += 1;
    }
    yield [chunk, newer.slice(from, to)];
    from = to;
  }
}
