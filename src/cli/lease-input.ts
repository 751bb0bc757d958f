/** Key and lease of a command: flags, then the environment that acquire exported. */
import type { KeyAddress, LeaseAddress } from "../api/lockd.ts";
import { UsageError } from "./usage-error.ts";
import { parseWhole } from "./values.ts";

type Env = NodeJS.ProcessEnv;

/** `NAMESPACE:KEY:LEASE:TOKEN` of every lease of a run with several keys, separated by spaces. */
export const leasesVariable = "LOCKD_CLIENT_LEASES";

interface KeyInput {
  readonly key?: string | undefined;
  readonly namespace?: string | undefined;
}

interface LeaseInput extends KeyInput {
  readonly lease?: string | undefined;
  readonly "fencing-token"?: string | undefined;
  readonly "txn-id"?: string | undefined;
}

/** The first value that is not blank, trimmed. */
export function firstGiven(...values: readonly (string | undefined)[]): string | undefined {
  return values.map((value) => value?.trim()).find((value) => value !== undefined && value !== "");
}

function required(value: string | undefined, flag: string, variable: string): string {
  if (value !== undefined) return value;
  throw new UsageError(`--${flag} is required (or set ${variable})`);
}

/**
 * The key that was typed. An empty one is mostly a variable that is not set, and nobody means
 * another key by it. @throws UsageError for an empty one, and for two different ones
 */
export function typedKey(flags: KeyInput, argument: string | undefined): string | undefined {
  const typed = [argument, flags.key].filter((key) => key !== undefined);
  if (typed.some((key) => key.trim() === "")) throw new UsageError("the key is empty");
  const [first, second = first] = typed;
  if (first !== second)
    throw new UsageError(`the key is given twice: ${first} and --key ${second}`);
  return first?.trim();
}

/** @throws UsageError when no key is given anywhere, or two different ones are */
export function keyInput(flags: KeyInput, argument: string | undefined, env: Env): KeyAddress {
  const given = typedKey(flags, argument);
  const key = required(firstGiven(given, env.LOCKD_CLIENT_KEY), "key", "LOCKD_CLIENT_KEY");
  return { key, namespace: firstGiven(flags.namespace) };
}

/** What a reader without a lease can do. */
export const readsWithout = "read what everybody sees with --public";

interface LeaseInputOptions {
  readonly env: Env;
  readonly txn: "required" | "optional";
  /** What does without a lease, for who has none. */
  readonly without?: string | undefined;
}

function noLease({ key }: KeyAddress, without: string | undefined): UsageError {
  const first = "--lease is required (or set LOCKD_CLIENT_LEASE): take it first with ";
  const otherwise = without === undefined ? "" : `, or ${without}`;
  return new UsageError(`${first}eval "$(lockd acquire ${key})"${otherwise}`);
}

/** Key, lease id and token; the transaction id when `txn` says it is needed. */
export function leaseInput(
  flags: LeaseInput,
  argument: string | undefined,
  options: LeaseInputOptions,
): LeaseAddress {
  const { env, without } = options;
  const address = keyInput(flags, argument, env);
  const known = leaseOf(address, env);
  const leaseId = firstGiven(
    flags.lease,
    known?.leaseId,
    env.LOCKD_CLIENT_LEASE,
    env.LOCKD_CLIENT_LEASE_ID,
  );
  if (leaseId === undefined) throw noLease(address, without);
  const token = required(
    firstGiven(flags["fencing-token"], known?.token, env.LOCKD_CLIENT_FENCING_TOKEN),
    "fencing-token",
    "LOCKD_CLIENT_FENCING_TOKEN",
  );
  const txnId = firstGiven(flags["txn-id"], env.LOCKD_CLIENT_TXN_ID, env.LOCKD_TXN_ID);
  return {
    ...address,
    leaseId,
    fencingToken: parseWhole(token, "--fencing-token", 1),
    txnId: options.txn === "required" ? required(txnId, "txn-id", "LOCKD_CLIENT_TXN_ID") : txnId,
  };
}

/** The lease of just this key, when the environment names several. */
export function leaseOf(
  { namespace = "default", key = "" }: KeyAddress,
  env: Env,
): { readonly leaseId: string | undefined; readonly token: string | undefined } | undefined {
  const wanted = `${namespace}:${key.trim().replace(/^\//, "")}:`.toLowerCase();
  const found = (env[leasesVariable] ?? "").split(" ").find((entry) => entry.startsWith(wanted));
  const [leaseId, token] = found?.slice(wanted.length).split(":") ?? [];
  return found === undefined ? undefined : { leaseId, token };
}

/** The conditions of `--if-version` and `--if-etag`. */
export function casInput(flags: {
  readonly "if-version"?: string | undefined;
  readonly "if-etag"?: string | undefined;
}): { ifVersion: number | undefined; ifStateEtag: string | undefined } {
  const version = firstGiven(flags["if-version"]);
  return {
    ifVersion: version === undefined ? undefined : parseWhole(version, "--if-version", 0),
    ifStateEtag: firstGiven(flags["if-etag"]),
  };
}
