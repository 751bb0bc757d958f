import { reasonOf } from "../config-file.ts";
import { type Finding, failed, fine } from "./finding.ts";

/** Oldest Node this lockd is made for; `engines` in package.json, kept equal by a test. */
export const nodeVersionMin = "22.19.0";

export async function versionFindings(version: string): Promise<Finding[]> {
  return [fine("lockd", `version ${version}`), nodeFinding(process.versions.node), await sqlite()];
}

export function nodeFinding(version: string): Finding {
  if (isAtLeast(version, nodeVersionMin)) return fine("node", `version ${version}`);
  const text = `version ${version} is older than ${nodeVersionMin}`;
  return failed("node", text, "install a newer Node.js and start lockd with it");
}

function isAtLeast(version: string, min: string): boolean {
  const [have, need] = [version, min].map((text) => text.split(".").map(Number));
  for (let at = 0; at < 3; at += 1) {
    const difference = (have?.[at] ?? 0) - (need?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The one part in native code, which may be built for another Node or machine. */
async function sqlite(): Promise<Finding> {
  try {
    const { default: Database } = await import("better-sqlite3");
    const db = new Database(":memory:");
    try {
      const row = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
      return fine("better-sqlite3", `loads, SQLite ${row.version}`);
    } finally {
      db.close();
    }
  } catch (error) {
    const text = `does not load, so no disk:// store works: ${reasonOf(error)}`;
    return failed("better-sqlite3", text, "npm rebuild better-sqlite3, where lockd is installed");
  }
}
