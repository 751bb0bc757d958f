/**
 * A command and everything it started. What belongs to it is found in three ways, as each of them
 * misses something: by its process group, by who started whom, and by a variable that all of them
 * inherit (only where there is a /proc).
 */
import { type ProcessEntry, procEntry, processTable, startVariable } from "./process-table.ts";
import { runLeasesVariable } from "./run-leases.ts";

/**
 * How the child was started: as the leader of a session and group of its own, or in ours, so that
 * it keeps the terminal; then its descendants are looked up.
 */
export type ChildScope = "group" | "tree";

export interface ProcessTree {
  readonly leaseId: string;
  readonly scope: ChildScope;
  /** undefined: not known (yet). */
  readonly pid: number | undefined;
  /** When that process was started; told by whoever may outlive it. See {@link bornOf}. */
  readonly born?: string | undefined;
}

/** What tells a process from a later one with the same id. */
export function bornOf(pid: number): string | undefined {
  return procEntry(pid)?.born;
}

/** The command's process id, or undefined when somebody else has it by now. */
function ownPid({ pid, born }: ProcessTree): number | undefined {
  if (pid === undefined || born === undefined) return pid;
  const now = bornOf(pid);
  return now === undefined || now === born ? pid : undefined;
}

/** Looks at the table again and again until nothing new appears, at most so often. */
const roundsMax = 5;

/** Asks the command to stop, as a terminal would. A stopped one is woken, else it would not see. */
export function terminateTree(tree: ProcessTree): void {
  signalTree(tree, "SIGTERM");
  signalTree(tree, "SIGCONT");
}

/** Sends a signal to the command and what it started; what has left its group is not looked for. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals): void {
  const pid = ownPid(tree);
  if (pid === undefined) return;
  if (tree.scope === "group") sendTo(-pid, signal);
  else for (const member of [...descendants(processTable(), pid), pid]) sendTo(member, signal);
}

/** Ends everything that works under the lease, wherever it has gone. */
export function killTree(tree: ProcessTree): void {
  const sent = new Set<number>();
  const group = tree.scope === "group" ? ownPid(tree) : undefined;
  for (let round = 0; round < roundsMax; round += 1) {
    if (group !== undefined) sendTo(-group, "SIGKILL");
    const found = members(tree).filter((pid) => !sent.has(pid));
    for (const pid of found) {
      sendTo(pid, "SIGKILL");
      sent.add(pid);
    }
    if (found.length === 0) return;
  }
}

/**
 * Ends what an ended command left behind, except what has made itself a daemon (a session of its
 * own). True when there was something.
 */
export function sweepTree(tree: ProcessTree): boolean {
  const left = leftovers(tree);
  if (tree.scope === "group" && tree.pid !== undefined) sendTo(-tree.pid, "SIGKILL");
  for (const pid of left) sendTo(pid, "SIGKILL");
  return left.length > 0;
}

/** Everything that belongs to the tree and still runs, this process excepted. */
export function members(tree: ProcessTree): number[] {
  const pid = ownPid(tree);
  const table = processTable().filter(isOther);
  const family = new Set(pid === undefined ? [] : [pid, ...descendants(table, pid)]);
  return table
    .filter((entry) => family.has(entry.pid) || isMarked(entry, tree.leaseId))
    .map((entry) => entry.pid);
}

/** Those in the session that the command was started in. */
function leftovers({ leaseId, scope, pid }: ProcessTree): number[] {
  const table = processTable();
  const own = table.find((entry) => entry.pid === process.pid)?.session;
  const session = scope === "group" ? pid : own;
  return table
    .filter((entry) => isOther(entry) && entry.session === session && isMarked(entry, leaseId))
    .map((entry) => entry.pid);
}

function isOther(entry: ProcessEntry): boolean {
  return entry.pid !== process.pid && !entry.zombie;
}

function isMarked({ pid }: ProcessEntry, leaseId: string): boolean {
  return startVariable(pid, runLeasesVariable)?.split(":").includes(leaseId) === true;
}

/** Everything below a process. */
function descendants(table: readonly ProcessEntry[], root: number): number[] {
  const children = Map.groupBy(table, ({ parent }) => parent);
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      if (child.pid === root || found.includes(child.pid)) continue;
      found.push(child.pid);
      visit(child.pid);
    }
  };
  visit(root);
  return found;
}

/** Processes that are gone already are no error. */
export function sendTo(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone, which is what was wanted.
  }
}
