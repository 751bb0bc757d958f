import { randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";

/** Writes a file whole or not at all: 0600 when new, its own mode (or `mode`) when it exists. */
export async function replaceFile(file: string, bytes: Uint8Array, mode?: number): Promise<void> {
  const replacement = await Replacement.open(file, mode);
  try {
    await replacement.write(bytes);
    await replacement.commit();
  } finally {
    await replacement.abandon();
  }
}

/** The next content of a file, seen by nobody until it is complete. */
export class Replacement {
  readonly #file: string;
  readonly #temporary: string;
  readonly #mode: number;
  readonly #handle: Awaited<ReturnType<typeof open>>;
  #over = false;

  private constructor(
    file: string,
    temporary: { readonly path: string; readonly mode: number },
    handle: Awaited<ReturnType<typeof open>>,
  ) {
    this.#file = file;
    this.#temporary = temporary.path;
    this.#mode = temporary.mode;
    this.#handle = handle;
  }

  static async open(file: string, given?: number): Promise<Replacement> {
    const mode =
      given ??
      (await stat(file).then(
        ({ mode }) => mode & 0o777,
        () => 0o600,
      ));
    // Not the process id: in containers it is the same again and again, also after a kill.
    const path = `${file}.tmp-${randomUUID().slice(0, 8)}`;
    return new Replacement(file, { path, mode }, await open(path, "wx", mode));
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    await this.#handle.appendFile(bytes);
  }

  /** Puts it in the place of the file. */
  async commit(): Promise<void> {
    await this.#handle.chmod(this.#mode);
    await this.#handle.close();
    await rename(this.#temporary, this.#file);
    this.#over = true;
  }

  /** Leaves the file as it was; does nothing after a commit. */
  async abandon(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#handle.close();
    await rm(this.#temporary, { force: true });
  }
}
