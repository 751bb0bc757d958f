import { randomUUID } from "node:crypto";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { writing } from "./unwritable.ts";

export type Content = Uint8Array | string | AsyncIterable<Uint8Array | string>;

interface ReplaceOptions {
  /** Its mode; else its own when it exists, 0600 when it is new. */
  readonly mode?: number;
  /** Called last; what it throws leaves the file as it was. */
  readonly beforeCommit?: () => void;
}

/** Writes a file whole or not at all. @throws file_unwritable, what the content throws */
export async function replaceFile(
  file: string,
  content: Content,
  { mode, beforeCommit }: ReplaceOptions = {},
): Promise<void> {
  const replacement = await Replacement.open(file, mode);
  try {
    if (typeof content === "string" || content instanceof Uint8Array) {
      await replacement.write(content);
    } else {
      for await (const chunk of content) await replacement.write(chunk);
    }
    beforeCommit?.();
    await replacement.commit();
  } finally {
    await replacement.abandon();
  }
}

interface Target {
  /** As the user named it. */
  readonly named: string;
  readonly mode: number;
  /** What is written, and where it is moved; without it, it is written where it is. */
  readonly move: { readonly from: string; readonly to: string } | undefined;
}

/**
 * The next content of a file, seen by nobody until it is complete. A link stays one: the file it
 * names is replaced. What is no file (a terminal, a pipe, /dev/null) is written as it comes.
 */
export class Replacement {
  readonly #target: Target;
  readonly #handle: FileHandle;
  #over = false;

  private constructor(target: Target, handle: FileHandle) {
    this.#target = target;
    this.#handle = handle;
  }

  /** @throws file_unwritable */
  static async open(named: string, given?: number): Promise<Replacement> {
    return await writing(named, async () => {
      const target = await targetOf(named, given);
      const { mode, move } = target;
      const handle = await (move === undefined ? open(named, "w") : open(move.from, "wx", mode));
      return new Replacement(target, handle);
    });
  }

  /** @throws file_unwritable */
  async write(bytes: Uint8Array | string): Promise<void> {
    await writing(this.#target.named, () => this.#handle.appendFile(bytes));
  }

  /** Puts it in the place of the file. @throws file_unwritable */
  async commit(): Promise<void> {
    const { named, mode, move } = this.#target;
    await writing(named, async () => {
      if (move !== undefined) await this.#handle.chmod(mode);
      await this.#handle.close();
      if (move !== undefined) await rename(move.from, move.to);
    });
    this.#over = true;
  }

  /** Leaves the file as it was; does nothing after a commit. */
  async abandon(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { move } = this.#target;
    await this.#handle.close();
    if (move !== undefined) await rm(move.from, { force: true });
  }
}

async function targetOf(named: string, given: number | undefined): Promise<Target> {
  const found = await stat(named).catch(() => undefined);
  const mode = given ?? (found === undefined ? 0o600 : found.mode & 0o777);
  if (found !== undefined && !found.isFile()) return { named, mode, move: undefined };
  const to = found === undefined ? named : await realpath(named);
  // Not the process id: in containers it is the same again and again, also after a kill.
  return { named, mode, move: { from: `${to}.tmp-${randomUUID().slice(0, 8)}`, to } };
}
