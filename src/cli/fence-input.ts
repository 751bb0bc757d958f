/** What `lockd fence check` compares: flags, then the environment of `lockd run` and `acquire`. */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { firstGiven, leaseOf } from "./lease-input.ts";
import { UsageError } from "./usage-error.ts";
import { parseWhole } from "./values.ts";

export interface FenceInput {
  readonly file: string;
  readonly token: number;
  /** `namespace/key`. */
  readonly key: string | undefined;
}

/** @throws UsageError */
export function fenceInput(
  flags: {
    readonly file?: string | undefined;
    readonly token?: string | undefined;
    readonly key?: string | undefined;
    readonly namespace?: string | undefined;
  },
  env: NodeJS.ProcessEnv,
): FenceInput {
  const file = firstGiven(flags.file);
  if (file === undefined) throw new UsageError("--file is required: the file to guard");
  const namespace = firstGiven(flags.namespace) ?? "default";
  // A token typed by hand is of the key typed by hand, not of one left in the environment.
  const typed = firstGiven(flags.token);
  const key = firstGiven(flags.key, typed === undefined ? env.LOCKD_CLIENT_KEY : undefined);
  const known = key === undefined ? undefined : leaseOf({ namespace, key }, env)?.token;
  const token = firstGiven(typed, known, env.LOCKD_CLIENT_FENCING_TOKEN);
  if (token === undefined) {
    throw new UsageError("--token is required (or set LOCKD_CLIENT_FENCING_TOKEN)");
  }
  return {
    file,
    token: parseWhole(token, "--token", 1),
    key: key === undefined ? undefined : `${namespace}/${key.replace(/^\//, "")}`.toLowerCase(),
  };
}

/** Has the new content complete beside the file while `use` runs, and nothing left afterwards. */
export async function withReplacement<T>(
  file: string,
  source: string | undefined,
  use: (replacement: string | undefined) => Promise<T>,
): Promise<T> {
  if (source === undefined) return await use(undefined);
  const staged = await stage(file, source);
  try {
    return await use(staged);
  } finally {
    await rm(staged, { force: true });
  }
}

/** @throws UsageError when the new content or its place cannot be had */
async function stage(file: string, source: string): Promise<string> {
  const { guardedFile } = await import("../storage/fence/token-guard.ts");
  const { stageReplacement } = await import("../storage/fence/staged-replacement.ts");
  try {
    return await stageReplacement(guardedFile(file), contentOf(source));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the new content of ${file} cannot be prepared: ${reason}`, error);
  }
}

/** Opened only when it is read, so that whoever reads it gets the failure. */
async function* contentOf(source: string): AsyncGenerator<Uint8Array> {
  yield* source === "-" ? process.stdin : createReadStream(source);
}
