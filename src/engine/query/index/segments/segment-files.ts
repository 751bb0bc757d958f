import type { Random } from "../../../ports/random.ts";
import type { Store } from "../../../ports/store.ts";
import type { SegmentPlace } from "./manifest.ts";
import { decodeSegment, encodeSegment, type Segment, type SegmentBuilder } from "./segment.ts";

/** Decoded segments kept: those a query reads on every page, and some more. */
const cachedSegmentsMax = 24;

/** A segment that the manifest names is not there, or damaged. */
export class SegmentGone extends Error {}

/** Segments as objects of the store; what was read is kept, because it never changes. */
export class SegmentFiles {
  readonly #store: Store;
  readonly #random: Random;
  readonly #cache = new Map<string, Segment>();

  constructor(store: Store, random: Random) {
    this.#store = store;
    this.#random = random;
  }

  async write(namespace: string, segment: SegmentBuilder): Promise<SegmentPlace> {
    const object = `i/${namespace}/${this.#random.xid()}`;
    const bytes = encodeSegment(segment);
    await this.#store.putStream(object, once(bytes));
    const [first, last] = [segment.documents[0]?.key ?? "", segment.documents.at(-1)?.key ?? ""];
    return { object, first, last };
  }

  /** @throws SegmentGone */
  async read(object: string): Promise<Segment> {
    const cached = this.#cache.get(object);
    if (cached !== undefined) {
      this.#cache.delete(object);
      this.#cache.set(object, cached);
      return cached;
    }
    const stream = await this.#store.getStream(object);
    if (stream === undefined) throw new SegmentGone(`${object} is gone`);
    const parts: Uint8Array[] = [];
    for await (const part of stream.body) parts.push(Uint8Array.prototype.slice.call(part));
    const segment = decoded(object, Buffer.concat(parts));
    this.#cache.set(object, segment);
    const oldest = this.#cache.keys().next();
    if (this.#cache.size > cachedSegmentsMax && oldest.done !== true) {
      this.#cache.delete(oldest.value);
    }
    return segment;
  }

  async readAll(places: readonly SegmentPlace[]): Promise<Segment[]> {
    const segments: Segment[] = [];
    for (const { object } of places) segments.push(await this.read(object));
    return segments;
  }

  /** Best effort: what stays behind costs space and nothing else. */
  async delete(objects: readonly string[]): Promise<void> {
    for (const object of objects) {
      this.#cache.delete(object);
      await this.#store.deleteStream(object).catch(() => undefined);
    }
  }
}

function decoded(object: string, bytes: Uint8Array): Segment {
  try {
    return decodeSegment(bytes);
  } catch (error) {
    throw new SegmentGone(`${object} is damaged`, { cause: error });
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
