import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
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

/** Writes a state in the wanted form; answers its stored size. @throws state_not_found */
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
  if (file === undefined) {
    for await (const chunk of body) await writeOut(chunk);
    await writeOut("\n");
    return;
  }
  const temporary = `${file}.tmp-${process.pid}`;
  const target = createWriteStream(temporary, { mode: 0o600, flags: "wx" });
  try {
    for await (const chunk of body) {
      if (!target.write(chunk)) await once(target, "drain");
    }
    target.end("\n");
    await once(target, "close");
    await rename(temporary, file);
  } catch (error) {
    target.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}
