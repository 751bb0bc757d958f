/** The store directory: what it stands on, who may touch it, and whether it can be trusted. */
import { accessSync, constants, type Stats } from "node:fs";
import path from "node:path";
import { reasonOf } from "../config-file.ts";
import { shellWord } from "../shell-words.ts";
import { verifiedStore } from "../verified-store.ts";
import { modeText, namesIn, statOf } from "./config-findings.ts";
import { type Finding, failed, fine, warned } from "./finding.ts";

/** Bytes below which a warning is due, and below which writes are about to fail. */
export const freeBytesWarn = 1024 ** 3;
export const freeBytesFail = 64 * 1024 ** 2;

/** Files that can still be made, below which a warning is due. */
export const freeFilesWarn = 10_000;

/** Milliseconds: half of the synced writes of a good disk are below; each acquire waits for one. */
export const syncMsWarn = 20;

/** Synced writes measured, and milliseconds that may take. */
const syncWrites = 25;
const syncMsMax = 2_000;
const syncBytes = 512;

/** Milliseconds after which a probe of ours cannot belong to a running check. */
const probeAgeMs = 10 * 60_000;

export async function storeFindings(storeUrl: string): Promise<Finding[]> {
  const { parseStoreUrl } = await import("../../storage/store-url.ts");
  let directory: string;
  try {
    const parsed = parseStoreUrl(storeUrl);
    if (parsed.kind === "memory") {
      return [
        warned("store", "mem:// forgets everything when its process ends", "use disk:///path"),
      ];
    }
    directory = parsed.directory;
  } catch (error) {
    return [failed("store", reasonOf(error), "see lockd verify store --help")];
  }
  const found = statOf(directory);
  if (found === undefined) return [await notThereYet(directory)];
  if (!found.isDirectory()) {
    return [failed("store", `${directory} is no directory`, "name another --store")];
  }
  return [
    ...(await placeFindings(directory)),
    ...permissionFindings(directory, found),
    ...(await trustFindings(storeUrl)),
    ...(await speedFindings(directory)),
    ...leftoverProbes(directory),
  ];
}

async function notThereYet(directory: string): Promise<Finding> {
  let parent = path.dirname(directory);
  while (statOf(parent) === undefined && parent !== "/") parent = path.dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return fine("store", `${directory} is not there yet; the first command makes it`);
  } catch {
    const text = `${directory} is not there, and ${parent} cannot be written`;
    const fix = `sudo install -d -o "$USER" -m 700 ${shellWord(directory)}`;
    return failed("store", text, fix);
  }
}

async function placeFindings(directory: string): Promise<Finding[]> {
  const { fileSystemOf } = await import("../../storage/disk/file-systems.ts");
  const system = await fileSystemOf(directory);
  return [fileSystemFinding(directory, system), spaceFinding(directory, system)];
}

type FileSystem = import("../../storage/disk/file-systems.ts").FileSystem;

export function fileSystemFinding(directory: string, { name, trait }: FileSystem): Finding {
  const what = "file system";
  if (trait === "network") {
    const text = `${directory} is on ${name}, whose locks cannot carry a store`;
    return failed(what, text, "keep the store on a local disk and reach it with lockd serve");
  }
  if (trait === "memory") {
    const text = `${directory} is on ${name}: gone with the next restart, and tokens start anew`;
    return warned(what, text, "move the store to a disk");
  }
  if (trait === "container") {
    const text = `${directory} is on ${name}: gone with the container`;
    return warned(what, text, "mount a volume there");
  }
  if (trait === "fuse") {
    const text = `${directory} is on ${name}: what it promises is up to the program behind it`;
    return warned(what, text, "move the store to a local disk unless you know that it syncs");
  }
  return fine(what, `${name}, local`);
}

export function spaceFinding(directory: string, system: FileSystem): Finding {
  const { freeBytes, freeFiles } = system;
  const free = `${(freeBytes / 1024 ** 2).toFixed(0)} MiB free`;
  const fix = `make room: du -xh ${shellWord(directory)} | sort -h | tail`;
  if (freeBytes < freeBytesFail) return failed("disk space", `${free}: writes will fail`, fix);
  if (freeFiles === 0) return failed("disk space", "no file can be made any more", fix);
  if (freeBytes < freeBytesWarn) return warned("disk space", free, fix);
  if (freeFiles !== undefined && freeFiles < freeFilesWarn) {
    return warned("disk space", `only ${freeFiles} files can still be made`, fix);
  }
  return fine("disk space", free);
}

function permissionFindings(directory: string, found: Stats): Finding[] {
  const findings: Finding[] = [];
  const uid = process.getuid?.();
  if (uid !== undefined && found.uid !== uid) {
    const text = `${directory} belongs to user id ${found.uid}, and you are ${uid}`;
    findings.push(
      warned("permissions", text, `run lockd as the owner: sudo -u '#${found.uid}' lockd …`),
    );
  }
  if ((found.mode & 0o022) !== 0) {
    const text = `others may change ${directory} (${modeText(found)})`;
    findings.push(failed("permissions", text, `chmod go-w ${shellWord(directory)}`));
  }
  for (const [name, what] of [
    ["lockd.db", "everything stored"],
    ["lockd.sock", "the server, without any authentication"],
  ] as const) {
    const file = path.join(directory, name);
    const own = statOf(file);
    // A directory that nobody else may enter protects what is in it.
    if (own === undefined || (own.mode & 0o077) === 0 || (found.mode & 0o077) === 0) continue;
    const text = `${file} gives others ${what} (${modeText(own)})`;
    findings.push(failed("permissions", text, `chmod 600 ${shellWord(file)}`));
  }
  return findings.length > 0 ? findings : [fine("permissions", `${directory}, ${modeText(found)}`)];
}

/** The checks of `verify store`, as one line when all pass. */
async function trustFindings(storeUrl: string): Promise<Finding[]> {
  const { checks } = await verifiedStore(storeUrl);
  const bad = checks.filter(({ ok }) => !ok);
  if (bad.length === 0) return [fine("verify store", `${checks.length} checks passed`)];
  const fix = `lockd verify store --store ${shellWord(storeUrl)}`;
  return bad.map(({ name, error }) => failed("verify store", `${name}: ${error}`, fix));
}

async function speedFindings(directory: string): Promise<Finding[]> {
  const { syncedWrites } = await import("../../storage/disk/synced-writes.ts");
  try {
    const options = { directory, bytes: syncBytes, writesMax: syncWrites, msMax: syncMsMax };
    return [speedFinding(await syncedWrites(options))];
  } catch (error) {
    return [failed("sync", reasonOf(error), "see the failing checks of lockd verify store")];
  }
}

export function speedFinding(times: readonly number[]): Finding {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
  const text = `a synced write takes ${median.toFixed(1)} ms (median of ${times.length})`;
  if (median <= syncMsWarn) return fine("sync", text);
  const slow = `${text}, above ${syncMsWarn} ms: every acquire waits for one`;
  return warned("sync", slow, "use a faster disk; see lockd bench for what it means");
}

/** Directories and files of checks that were killed. */
function leftoverProbes(directory: string): Finding[] {
  // What cannot be listed cannot be verified either, which has been said by then.
  const names = (namesIn(directory) ?? []).filter((name) => /^\.lockd-(verify|sync)-/.test(name));
  const old = names.filter((name) => {
    const found = statOf(path.join(directory, name));
    return found !== undefined && Date.now() - found.mtimeMs > probeAgeMs;
  });
  if (old.length === 0) return [];
  const files = old.map((name) => shellWord(path.join(directory, name))).join(" ");
  return [warned("leftovers", `${old.length} of checks that were killed`, `rm -r ${files}`)];
}
