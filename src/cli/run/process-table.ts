/** What the system tells of its processes: from /proc, or from `ps` where there is none. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Tells apart two processes that had the same id one after the other; empty when unknown. */
  readonly born: string;
  /** Ended, and only waiting for its parent to notice. */
  readonly zombie: boolean;
}

/** Milliseconds; `ps` is only asked where there is no /proc. */
const psMsMax = 2_000;

/** All processes that can be seen, our own among them. */
export function processTable(): ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return psTable();
  }
  return names.flatMap((name) => procEntry(Number(name)) ?? []);
}

/** Place of the start time behind the name. */
const bornField = 19;

/** One process; undefined when it is gone, or when there is no /proc. */
export function procEntry(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; state, parent, group, session follow it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent, , session] = fields;
    const zombie = state === "Z" || state === "X";
    const born = fields[bornField] ?? "";
    return { pid, parent: Number(parent), session: Number(session), born, zombie };
  } catch {
    return undefined;
  }
}

function psTable(): ProcessEntry[] {
  try {
    const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], {
      encoding: "utf8",
      timeout: psMsMax,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.split("\n").flatMap((line) => {
      const [pid, parent, state = ""] = line.trim().split(/\s+/);
      if (pid === undefined || parent === undefined) return [];
      const zombie = state.startsWith("Z");
      return [{ pid: Number(pid), parent: Number(parent), session: 0, born: "", zombie }];
    });
  } catch {
    return [];
  }
}

/** A variable of the environment a process was started with; undefined when it cannot be read. */
export function startVariable(pid: number, name: string): string | undefined {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}
