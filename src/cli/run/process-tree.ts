/** Signals a process with everything it started. */
import { readdirSync, readFileSync } from "node:fs";

/**
 * How the child was started: as the leader of a group of its own, or in ours, so that it keeps the
 * terminal; then its descendants are looked up.
 */
export type ChildScope = "group" | "tree";

/** Sends a signal; processes that are gone already are no error. */
export function signalProcesses(pid: number, scope: ChildScope, signal: NodeJS.Signals): void {
  if (scope === "group") {
    send(-pid, signal);
    return;
  }
  for (const member of [...descendants(pid), pid]) send(member, signal);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone, which is what was wanted.
  }
}

/** Everything below a process as /proc tells it; nothing on systems without /proc. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of procEntries()) {
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      visit(child);
    }
  };
  visit(root);
  return found;
}

function procEntries(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; the parent is the second field behind it.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
