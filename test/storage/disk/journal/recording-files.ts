/**
 * Real file operations, written down one by one, so that a test can lay out the directory as a
 * power cut during any of them may leave it: a volatile cache loses what was not synced, a write in
 * flight is torn at the granules of the device, and renames not yet synced happened or did not.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  type JournalFile,
  type JournalFiles,
  systemFiles,
} from "../../../../src/storage/disk/journal/journal-files.ts";

type Operation =
  | { readonly kind: "directory"; readonly at: string }
  | { readonly kind: "create"; readonly at: string }
  | { readonly kind: "write"; readonly id: number; readonly from: number; readonly bytes: Buffer }
  | {
      readonly kind: "writeSynced";
      readonly id: number;
      readonly from: number;
      readonly bytes: Buffer;
    }
  | { readonly kind: "sync"; readonly id: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly at: string }
  | { readonly kind: "syncDirectory"; readonly at: string };

export interface LoggedOperation {
  readonly operation: Operation;
  /** What the test knew when the operation began. */
  readonly note: unknown;
}

export class RecordingFiles implements JournalFiles {
  readonly log: LoggedOperation[] = [];
  readonly #note: () => unknown;
  /** Which file stands under a path now; numbers as {@link powerCut} gives them. */
  readonly #ids = new Map<string, number>();
  #created = 0;

  constructor(note: () => unknown) {
    this.#note = note;
  }

  async makeDirectory(directory: string): Promise<boolean> {
    this.#add({ kind: "directory", at: directory });
    return systemFiles.makeDirectory(directory);
  }

  async create(file: string): Promise<JournalFile> {
    this.#add({ kind: "create", at: file });
    this.#ids.set(file, this.#created);
    this.#created += 1;
    return this.#recorded(await systemFiles.create(file), file, "write");
  }

  async openSynced(file: string): Promise<JournalFile> {
    return this.#recorded(await systemFiles.openSynced(file), file, "writeSynced");
  }

  names(directory: string): Promise<string[]> {
    return systemFiles.names(directory);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#add({ kind: "rename", from, to });
    this.#ids.set(to, this.#ids.get(from) ?? -1);
    this.#ids.delete(from);
    await systemFiles.rename(from, to);
  }

  async remove(file: string): Promise<void> {
    this.#add({ kind: "remove", at: file });
    this.#ids.delete(file);
    await systemFiles.remove(file);
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#add({ kind: "syncDirectory", at: directory });
    await systemFiles.syncDirectory(directory);
  }

  #recorded(real: JournalFile, file: string, kind: "write" | "writeSynced"): JournalFile {
    const id = this.#ids.get(file) ?? -1;
    return {
      write: async (bytes, from, at) => {
        this.#add({ kind, id, from: at, bytes: Buffer.from(bytes.subarray(from)) });
        return real.write(bytes, from, at);
      },
      sync: async () => {
        this.#add({ kind: "sync", id });
        await real.sync();
      },
      close: () => real.close(),
    };
  }

  #add(operation: Operation): void {
    this.log.push({ operation, note: this.#note() });
  }
}

/** Decides what a power cut keeps of what was not synced: a fraction in [0, 1) per question. */
export interface Cut {
  readonly granule: number;
  readonly fraction: () => number;
}

interface DiskFile {
  cached: Buffer;
  durable: Buffer;
}

interface Disk {
  readonly files: DiskFile[];
  cached: Map<string, DiskFile>;
  durable: Map<string, DiskFile>;
  /** Directory as it was after each change that is not synced. */
  unsynced: Map<string, DiskFile>[];
}

/** Lays out under `target` what a power cut in the last operation of `log` leaves of `source`. */
export function powerCut(
  log: readonly LoggedOperation[],
  place: { readonly source: string; readonly target: string },
  cut: Cut,
): void {
  const disk: Disk = { files: [], cached: new Map(), durable: new Map(), unsynced: [] };
  for (const { operation } of log.slice(0, -1)) perform(disk, operation);
  const last = log.at(-1)?.operation;
  if (last?.kind === "writeSynced" || last?.kind === "write") cacheWrite(disk, last);
  else if (last?.kind === "rename" || last?.kind === "remove") perform(disk, last);
  const versions = [disk.durable, ...disk.unsynced];
  const directory = versions[Math.floor(cut.fraction() * versions.length)] ?? disk.durable;
  for (const [file, content] of directory) {
    const to = path.join(place.target, path.relative(place.source, file));
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, kept(content, cut));
  }
}

function perform(disk: Disk, operation: Operation): void {
  if (operation.kind === "create") {
    const file = { cached: Buffer.alloc(0), durable: Buffer.alloc(0) };
    disk.files.push(file);
    changeDirectory(disk, (names) => names.set(operation.at, file));
  } else if (operation.kind === "rename") {
    const file = disk.cached.get(operation.from);
    if (file === undefined) throw new Error(`${operation.from} is not there`);
    changeDirectory(disk, (names) => {
      names.delete(operation.from);
      names.set(operation.to, file);
    });
  } else if (operation.kind === "remove") {
    changeDirectory(disk, (names) => names.delete(operation.at));
  } else if (operation.kind === "write") cacheWrite(disk, operation);
  else if (operation.kind === "writeSynced") {
    const file = cacheWrite(disk, operation);
    const end = operation.from + operation.bytes.length;
    file.durable = resized(file.durable, Math.max(file.durable.length, end));
    operation.bytes.copy(file.durable, operation.from);
  } else if (operation.kind === "sync") {
    const file = fileOf(disk, operation.id);
    file.durable = Buffer.from(file.cached);
  } else if (operation.kind === "syncDirectory") {
    disk.durable = new Map(disk.cached);
    disk.unsynced = [];
  }
}

function changeDirectory(disk: Disk, change: (names: Map<string, DiskFile>) => void): void {
  const names = new Map(disk.cached);
  change(names);
  disk.cached = names;
  disk.unsynced.push(names);
}

function fileOf(disk: Disk, id: number): DiskFile {
  const file = disk.files[id];
  if (file === undefined) throw new Error(`file ${id} was never created`);
  return file;
}

function cacheWrite(
  disk: Disk,
  { id, from, bytes }: { readonly id: number; readonly from: number; readonly bytes: Buffer },
): DiskFile {
  const file = fileOf(disk, id);
  file.cached = resized(file.cached, Math.max(file.cached.length, from + bytes.length));
  bytes.copy(file.cached, from);
  return file;
}

function resized(bytes: Buffer, length: number): Buffer {
  return Buffer.concat([bytes], length);
}

/** Granule by granule the cached or the durable bytes. */
function kept(file: DiskFile, { granule, fraction }: Cut): Buffer {
  if (file.cached.equals(file.durable)) return file.durable;
  const length = fraction() < 0.5 ? file.durable.length : file.cached.length;
  const bytes = resized(file.durable, length);
  for (let at = 0; at < length; at += granule) {
    if (fraction() < 0.5) continue;
    file.cached.subarray(at, at + granule).copy(bytes, at);
  }
  return bytes;
}
