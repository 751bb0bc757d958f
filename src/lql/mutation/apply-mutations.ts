/** Mutations applied to documents of any size (query-and-lql.md section 7.4). */
import { failure, LockdConfigError } from "../../api/errors.ts";
import { JsonCompactor, JsonSyntaxError } from "../json/compact.ts";
import { fileString, type OpenFile } from "./file-value.ts";
import { heldStreamBytesMax, oneGoBytesMax } from "./limits.ts";
import type { Mutation } from "./mutation.ts";
import { type ArrayLengths, MutationPass } from "./mutation-pass.ts";
import { MutationPlan } from "./mutation-plan.ts";
import type { OutputPart } from "./pass-output.ts";

/**
 * A document: its bytes, a stream of them, or a way to open that stream, which may be called twice.
 * Rarely (a decimal segment below the top) a document is looked through before it is changed; a
 * plain stream is then held in memory, up to 64 MiB.
 */
export type DocumentSource =
  | Uint8Array
  | AsyncIterable<Uint8Array>
  | (() => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>);

export interface ApplyOptions {
  /** Reads the files of `file:` values; without it such mutations are refused. */
  readonly openFile?: OpenFile | undefined;
  /** The document is known to be valid compact JSON: it is not checked again. */
  readonly compact?: boolean | undefined;
  /** Bytes of the changed document at most; without it there is no limit. */
  readonly bytesMax?: number | undefined;
}

const noLengths: ArrayLengths = new Map();

/** Levels of nesting that a document may have (http-core.md section 9). */
const depthMax = 10_000;

/**
 * The changed document as compact JSON. What no mutation names comes out byte for byte as it went
 * in, white space outside strings excepted. Memory does not depend on the document's size.
 *
 * @throws invalid_body for a document that is not one JSON object, and steps on no number;
 *   document_too_large beyond `bytesMax`
 */
export async function* applyMutations(
  source: DocumentSource,
  mutations: readonly Mutation[],
  options: ApplyOptions = {},
): AsyncGenerator<Uint8Array> {
  const { openFile } = options;
  const reads = mutations.find(({ kind }) => kind === "file");
  if (reads !== undefined && openFile === undefined) {
    throw new LockdConfigError("invalid_option", "file values need a way to open files");
  }
  if (source instanceof Uint8Array && source.length <= oneGoBytesMax && reads === undefined) {
    yield applyToBytes(source, mutations, options);
    return;
  }
  const plan = new MutationPlan(mutations);
  const open = await reopenable(source, plan.measures);
  const isCompact = options.compact === true;
  let lengths = noLengths;
  if (plan.measures) {
    const measuring = new MutationPass(plan);
    for await (const chunk of compacted(await open(), isCompact)) measuring.push(chunk);
    lengths = measuring.measured;
  }
  const pass = new MutationPass(plan, lengths, options.bytesMax);
  for await (const chunk of compacted(await open(), isCompact)) {
    pass.push(chunk);
    yield* bytesOf(pass.take(), openFile);
  }
  pass.end();
  yield* bytesOf(pass.take(), openFile);
}

/**
 * The same in one go, for documents that are in memory and mutations without file values.
 * @throws invalid_body, document_too_large
 */
export function applyToBytes(
  document: Uint8Array,
  mutations: readonly Mutation[],
  options: Omit<ApplyOptions, "openFile"> = {},
): Uint8Array {
  const plan = new MutationPlan(mutations);
  const bytes = options.compact === true ? document : compactedBytes(document);
  let lengths = noLengths;
  if (plan.measures) {
    const measuring = new MutationPass(plan);
    measuring.push(bytes);
    lengths = measuring.measured;
  }
  const pass = new MutationPass(plan, lengths, options.bytesMax);
  pass.push(bytes);
  pass.end();
  const parts = pass.take().map((part) => {
    if (part instanceof Uint8Array) return part;
    throw new LockdConfigError("invalid_option", "file values need a stream");
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** True when the mutations may have to look through a document before they change it. */
export function readsTwice(mutations: readonly Mutation[]): boolean {
  return new MutationPlan(mutations).measures;
}

async function reopenable(
  source: DocumentSource,
  opensTwice: boolean,
): Promise<() => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>> {
  if (typeof source === "function") return source;
  if (source instanceof Uint8Array) return () => slices(source);
  if (!opensTwice) return () => source;
  const held = await heldStream(source);
  return () => slices(held);
}

async function heldStream(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > heldStreamBytesMax) {
      const message = "such a large document must be given as a function that opens its stream";
      throw new LockdConfigError("invalid_option", message);
    }
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** Pieces small enough that others get a turn in between. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += oneGoBytesMax) {
    yield bytes.subarray(from, from + oneGoBytesMax);
  }
}

async function* compacted(
  source: AsyncIterable<Uint8Array>,
  isCompact: boolean,
): AsyncGenerator<Uint8Array> {
  if (isCompact) {
    yield* source;
    return;
  }
  const compactor = new JsonCompactor({ depthMax });
  for await (const chunk of source) {
    const bytes = checked(() => compactor.push(chunk));
    // The compactor's own buffer is used again; what was cut out of the chunk is not.
    if (bytes.length > 0) yield bytes.buffer === chunk.buffer ? bytes : Buffer.from(bytes);
  }
  checked(() => compactor.end());
}

function compactedBytes(document: Uint8Array): Uint8Array {
  const compactor = new JsonCompactor({ depthMax });
  return checked(() => {
    const bytes = compactor.push(document);
    compactor.end();
    return bytes;
  });
}

function checked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const detail = `not one JSON value: ${error.reason} at byte ${error.position}`;
    throw failure("invalid_body", detail, { cause: error });
  }
}

async function* bytesOf(
  parts: readonly OutputPart[],
  openFile: OpenFile | undefined,
): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else if (openFile !== undefined) yield* fileString(part, openFile);
  }
}
