/**
 * Large bodies of a disk store, a file each: written under a temporary name, synced, renamed, and
 * the directory synced, before anything may point at them (architecture.md section 4).
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import type {
  BodyStream,
  ObjectStream,
  PageOptions,
  StreamPage,
} from "../../engine/ports/store.ts";
import { byBytes } from "../byte-order.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import { codeOf, storeFailureOf } from "./sqlite-failure.ts";

/** Bytes read at once. */
const readBytes = 256 * 1024;

/** Milliseconds after which a temporary file cannot belong to a running upload's last write. */
const temporaryAgeMs = 60 * 60_000;

/** Characters of an encoded name in one path component; file systems allow 255. */
const componentMax = 200;

const shards = 256;

export class ContentFiles {
  readonly #root: string;
  readonly #temporary: string;
  #counter = 0;

  constructor(directory: string) {
    this.#root = path.join(directory, "content");
    this.#temporary = path.join(this.#root, "tmp");
  }

  /** Writes a new body; durable when it resolves. Nothing is left when it rejects. */
  async write(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    const target = this.#pathOf(name);
    this.#counter += 1;
    const unique = `${process.pid}-${Date.now().toString(36)}-${this.#counter}`;
    const temporary = path.join(this.#temporary, unique);
    await this.#call(() => mkdir(this.#temporary, { recursive: true }));
    await this.#ensureDirectory(path.dirname(target));
    try {
      const size = await this.#writeSynced(temporary, source, signal);
      await this.#call(() => rename(temporary, target));
      await this.#call(() => syncDirectory(path.dirname(target)));
      return { size };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Opens a body for reading; it stays readable when it is deleted meanwhile. */
  async read(name: string): Promise<ObjectStream | undefined> {
    let file: FileHandle;
    try {
      file = await open(this.#pathOf(name), "r");
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
      throw storeFailureOf(error, this.#root);
    }
    const { size } = await file.stat();
    return { size, body: fileBody(file, size) };
  }

  async delete(name: string): Promise<void> {
    try {
      await unlink(this.#pathOf(name));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw storeFailureOf(error, this.#root);
    }
  }

  /**
   * Names with a prefix, shard by shard: a page looks at no more directories than it needs. The
   * place to go on is `<shard>/<last name of it>`.
   */
  async list(prefix: string, { after, limit }: PageOptions): Promise<StreamPage> {
    const cut = after?.indexOf("/") ?? -1;
    const afterShard = after?.slice(0, cut);
    const afterName = after?.slice(cut + 1);
    const names: string[] = [];
    const shards = (await entriesOf(this.#root)).filter((name) => /^[0-9a-f]{2}$/.test(name));
    for (const shard of shards.sort()) {
      if (afterShard !== undefined && shard < afterShard) continue;
      const encoded = await filesBelow(path.join(this.#root, shard));
      for (const name of encoded.map(decodeName).sort(byBytes)) {
        const isDone = shard === afterShard && byBytes(name, afterName ?? "") <= 0;
        if (isDone || !name.startsWith(prefix)) continue;
        if (names.length === limit) return { names, next: placeOf(names.at(-1) ?? "") };
        names.push(name);
      }
    }
    return { names, next: undefined };
  }

  /** Removes what crashed uploads left behind. */
  async clean(nowMs: number): Promise<void> {
    for (const name of await entriesOf(this.#temporary)) {
      const file = path.join(this.#temporary, name);
      const age = await stat(file).then(
        ({ mtimeMs }) => nowMs - mtimeMs,
        () => 0,
      );
      const owner = Number(name.split("-")[0]);
      if (age > temporaryAgeMs || !isAlive(owner)) await rm(file, { force: true });
    }
  }

  async #writeSynced(
    file: string,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const handle = await this.#call(() => open(file, flags, 0o600));
    try {
      const size = await this.#copy(handle, source, signal);
      await this.#call(() => handle.datasync());
      return size;
    } finally {
      await handle.close();
    }
  }

  async #copy(
    handle: FileHandle,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let size = 0;
    const writes = new GatheredWrites(handle);
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        size += chunk.length;
        await this.#call(() => writes.add(chunk));
      }
      await this.#call(() => writes.end());
    } finally {
      await writes.free();
    }
    signal?.throwIfAborted();
    return size;
  }

  async #ensureDirectory(directory: string): Promise<void> {
    const created = await this.#call(() => mkdir(directory, { recursive: true }));
    if (created === undefined) return;
    // A new directory entry is durable only when its parent is synced, up to what existed before.
    for (let at = directory; at !== path.dirname(created); at = path.dirname(at)) {
      await this.#call(() => syncDirectory(path.dirname(at)));
    }
  }

  #pathOf(name: string): string {
    const encoded = encodeName(name);
    const parts: string[] = [];
    for (let at = 0; at < encoded.length; at += componentMax) {
      const last = at + componentMax >= encoded.length;
      parts.push(encoded.slice(at, at + componentMax) + (last ? ".f" : ".d"));
    }
    return path.join(this.#root, shardOf(name), ...parts);
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw storeFailureOf(error, this.#root);
    }
  }
}

function placeOf(name: string): string {
  return `${shardOf(name)}/${name}`;
}

function shardOf(name: string): string {
  return (crc32(name) % shards).toString(16).padStart(2, "0");
}

/** Makes a rename or a new file in the directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fileBody(file: FileHandle, size: number): BodyStream {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= file.close();
    return closed;
  };
  const newBuffer = () => Buffer.allocUnsafe(Math.min(readBytes, size));
  async function* iterate(nextBuffer: () => Buffer): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < size; ) {
        const { bytesRead, buffer } = await file.read({ buffer: nextBuffer() });
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await close();
    }
  }
  const lent = (): AsyncGenerator<Uint8Array> => {
    const buffer = newBuffer();
    return iterate(() => buffer);
  };
  return { [Symbol.asyncIterator]: () => iterate(newBuffer), lent, close };
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw storeFailureOf(error, directory);
  }
}

/** Encoded names below a shard, put together from the components of their paths. */
async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(directory)) {
    const text = entry.slice(0, -2);
    if (entry.endsWith(".f")) found.push(text);
    else if (entry.endsWith(".d")) {
      const below = await filesBelow(path.join(directory, entry));
      found.push(...below.map((rest) => text + rest));
    }
  }
  return found;
}

/** Reversible, safe on case-insensitive file systems, and without separators. */
function encodeName(name: string): string {
  let text = "";
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    text += /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function decodeName(text: string): string {
  return decodeURIComponent(text);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
