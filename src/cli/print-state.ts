import { failure } from "../api/errors.ts";
import type { BodyOut, StateResult } from "../api/lockd.ts";
import { collected } from "./input.ts";
import { writeOut } from "./output.ts";
import { replaceFile } from "./replace-file.ts";
import { formatState, resolvedType, type StateType } from "./state-format.ts";

export interface PrintOptions {
  /** Undefined: standard output. */
  readonly file: string | undefined;
  readonly type: StateType;
  readonly require: boolean;
  readonly key: string;
}

/**
 * Writes a state in the wanted form; answers its stored size.
 * @throws state_not_found, file_unwritable
 */
export async function printState(state: StateResult, options: PrintOptions): Promise<number> {
  if (!state.exists) {
    if (options.require) throw failure("state_not_found", `${options.key} has no state`);
    await put(Buffer.from("null\n"), options.file);
    return 0;
  }
  const type = resolvedType(options.type, options.file);
  if (type === "raw" && !(state.body instanceof Uint8Array)) await pipe(state.body, options.file);
  else await put(await formatState(await whole(state.body), type), options.file);
  return state.size;
}

async function whole(body: BodyOut): Promise<Uint8Array> {
  return body instanceof Uint8Array ? body : collected(body);
}

async function put(bytes: Uint8Array, file: string | undefined): Promise<void> {
  if (file === undefined) await writeOut(bytes);
  else await replaceFile(file, bytes);
}

/** Large raw states are never held whole; a broken transfer leaves no partial file. */
async function pipe(body: AsyncIterable<Uint8Array>, file: string | undefined): Promise<void> {
  const line = withLineEnd(body);
  if (file !== undefined) return await replaceFile(file, line);
  for await (const chunk of line) await writeOut(chunk);
}

async function* withLineEnd(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | string> {
  yield* body;
  yield "\n";
}
