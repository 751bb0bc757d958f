/**
 * The file operations of the journal, as a port: the real ones, or those of a test that fails,
 * cuts and forgets on purpose. Reading back is not part of it: a reader sees what is really there.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { syncDirectory } from "../content-files.ts";

/** A file open for writing. */
export interface JournalFile {
  /** Writes some of the bytes, at least one, and answers how many. */
  write(bytes: Uint8Array, from: number, at: number): Promise<number>;
  /** Makes what was written, and the file's length, durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Every call fails with a system error that has a `code`, as Node's own do. */
export interface JournalFiles {
  /** True when it was not there. */
  makeDirectory(directory: string): Promise<boolean>;
  /** An empty file; what is written is durable after `sync`. */
  create(file: string): Promise<JournalFile>;
  /** An existing file; what is written is durable when `write` resolves (O_DSYNC). */
  openSynced(file: string): Promise<JournalFile>;
  names(directory: string): Promise<string[]>;
  /** Replaces what has the new name; durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Absent is success; durable after `syncDirectory`. */
  remove(file: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
}

/** The file system. */
export const systemFiles: JournalFiles = {
  async makeDirectory(directory) {
    return (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
  },
  async create(file) {
    return new SystemFile(await open(file, "w", 0o600));
  },
  async openSynced(file) {
    return new SystemFile(await open(file, constants.O_RDWR | constants.O_DSYNC));
  },
  names: (directory) => readdir(directory),
  rename,
  remove: (file) => rm(file, { force: true }),
  syncDirectory,
};

class SystemFile implements JournalFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, from: number, at: number): Promise<number> {
    return (await this.#handle.write(bytes, from, bytes.length - from, at)).bytesWritten;
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
