/** What ending a lease would do to it, and to everything that shares its transaction. */
import { failure } from "../../api/errors.ts";
import type { Lockd, LockdCall, ReleaseRequest } from "../../api/lockd.ts";
import type { TxnParticipantStory } from "../../api/transactions.ts";
import { plainText } from "../plain-text.ts";
import { wouldDecide } from "./would-decide.ts";

export interface WouldRelease {
  readonly key: string;
  /** False when the lease is gone already: then nothing would change. */
  readonly held: boolean;
  readonly state: "commit" | "rollback";
  /** Whose staged changes would be committed or discarded, this key among them. */
  readonly participants: readonly Pick<TxnParticipantStory, "namespace" | "key" | "now">[];
}

/** @throws txn_mismatch, txn_conflict when the transaction is decided the other way */
export async function wouldRelease(
  lockd: Lockd,
  request: ReleaseRequest,
  call: LockdCall,
): Promise<WouldRelease> {
  const { leaseId, fencingToken, txnId = "", rollback } = request;
  const state = rollback === true ? "rollback" : "commit";
  const status = await lockd.status(request, call);
  const { namespace, held, staged } = status;
  const key = `${namespace}:${status.key}`;
  const isOurs = held && status.leaseId === leaseId && status.fencingToken === fencingToken;
  if (!isOurs) return { key, held: false, state, participants: [] };
  if (status.txnId !== txnId) {
    throw failure("txn_mismatch", `${key} is held under transaction ${status.txnId}, not ${txnId}`);
  }
  // A lease that changed nothing ends by itself, and the transaction goes on without it.
  if (!staged && state === "commit") return { key, held, state, participants: [] };
  const { participants } = await wouldDecide(lockd, { txnId, state, participants: [] }, call);
  if (participants.length > 0) return { key, held, state, participants };
  const own = { namespace, key: status.key, now: staged ? "staged" : "leased" };
  return { key, held, state, participants: [own] };
}

export function wouldReleaseJson({ held, state, participants }: WouldRelease) {
  const told = participants.map(({ namespace, key, now }) => ({ namespace, key, now }));
  return { dry_run: true, released: true, held, state, participants: told };
}

export function wouldReleaseText({ key, held, state, participants }: WouldRelease): string {
  if (!held) return `${key} is not held under this lease any more: nothing would change\n`;
  const done = state === "commit" ? "committed" : "rolled back";
  const rows = participants.map(
    (one) => `  would be ${done}: ${one.namespace}:${one.key}  ${plainText(one.now)}\n`,
  );
  const nothing = state === "commit" ? "  nothing is staged\n" : "";
  return `would be released: ${key}\n${rows.length === 0 ? nothing : rows.join("")}`;
}
