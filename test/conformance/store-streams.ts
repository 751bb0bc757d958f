/** Large objects for the store suite: as sources, and as they are read. */
import { expect } from "vitest";
import type { Store } from "../../src/engine/ports/store.ts";

export async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** All chunks in one piece of memory, which is overwritten as soon as the next one is asked for. */
export async function* reusing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(99_991);
  for await (const chunk of chunksOf(bytes, buffer.length)) {
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
    buffer.fill(0xee);
  }
}

export async function streamBytes(store: Store, name: string): Promise<Buffer | undefined> {
  const opened = await store.getStream(name);
  if (opened === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of opened.body) parts.push(Buffer.from(part));
  const whole = Buffer.concat(parts);
  expect(whole.length).toBe(opened.size);
  return whole;
}
