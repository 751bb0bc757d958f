/**
 * Temporary directories that say in their name whose they are, so that those of a process that was
 * killed can be found and removed: `<kind>-<place>-<pid>-<born>-XXXXXX`. The name is there at once
 * and for good, unlike a file in it. A process id means nothing on another machine, in another
 * container, or after a restart; `place` stands for these, and a directory made in another place is
 * left alone. `born` tells a process from a later one with the same id.
 */
import { lstatSync, opendirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import { isAlive, placeTag } from "./process-identity.ts";
import { processTable, startVariable } from "./run/process-table.ts";
import { bornOf } from "./run/process-tree.ts";

/** Directories of `lockd work`; payloads are kept in them while their commands run. */
export const workDirectoryKind = "lockd-work";

/** Entries of a directory looked through at most; the temp directory is everybody's. */
const entriesMax = 20_000;

/** Directories found at most in one look. */
export const foundMax = 200;

/** Variables by which a command that is still running may know a file in such a directory. */
const pathVariables = ["LOCKD_QUEUE_PAYLOAD_PATH"] as const;

/** Makes a directory that is known as this process's. */
export async function makeOwnedDirectory(parent: string, kind: string): Promise<string> {
  const born = bornOf(process.pid) ?? "";
  return await mkdtemp(path.join(parent, `${kind}-${placeTag()}-${process.pid}-${born}-`));
}

/**
 * Directories of this kind whose owner is dead, as far as they are this user's. A command that
 * outlives its worker for a moment and has its payload there keeps the directory.
 */
export function abandonedDirectories(parent: string, kind: string): string[] {
  const dead = ownedNames(parent, kind).filter(
    ({ path: directory, pid, born }) => isOurs(directory) && !isAlive(pid, born),
  );
  return dead.length === 0 ? [] : withoutThoseInUse(dead);
}

interface OwnedName {
  readonly path: string;
  readonly pid: number;
  readonly born: string;
}

function ownedNames(parent: string, kind: string): OwnedName[] {
  const form = new RegExp(`^${kind}-${placeTag()}-(\\d+)-(\\d*)-[A-Za-z0-9]{6}$`);
  return namesIn(parent).flatMap((name) => {
    const [, pid, born = ""] = form.exec(name) ?? [];
    return pid === undefined ? [] : [{ path: path.join(parent, name), pid: Number(pid), born }];
  });
}

function namesIn(parent: string): string[] {
  const names: string[] = [];
  try {
    const directory = opendirSync(parent);
    try {
      for (let count = 0; count < entriesMax; count += 1) {
        const entry = directory.readSync();
        if (entry === null) break;
        if (entry.isDirectory()) names.push(entry.name);
      }
    } finally {
      directory.closeSync();
    }
  } catch {
    // Not there, or not ours to read: nothing of ours is in it.
  }
  return names;
}

function isOurs(directory: string): boolean {
  try {
    const found = lstatSync(directory);
    return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
  } catch {
    return false;
  }
}

function withoutThoseInUse(dead: readonly OwnedName[]): string[] {
  const used = processTable().flatMap(({ pid }) =>
    pathVariables.flatMap((name) => startVariable(pid, name) ?? []),
  );
  return dead
    .map(({ path: directory }) => directory)
    .filter((directory) => !used.some((file) => file.startsWith(`${directory}/`)))
    .slice(0, foundMax);
}
