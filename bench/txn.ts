/**
 * Transactions of two keys against the same work as two transactions of one key each, on a durable
 * disk store, in one run; and the recovery of many transactions at start. Prints ratios.
 *
 * node bench/txn.ts [seconds] [transactions to recover]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AcquireResult, LeaseAddress } from "../src/api/lockd.ts";
import type { Key, Namespace } from "../src/api/names.ts";
import { Engine } from "../src/engine/engine.ts";
import type { Store } from "../src/engine/ports/store.ts";
import { silentTelemetry } from "../src/engine/ports/telemetry.ts";
import { type KeyRecord, recordName } from "../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../src/engine/record/record-codec.ts";
import { encodeTxn } from "../src/engine/txn/txn-codec.ts";
import { type TxnRecord, txnName } from "../src/engine/txn/txn-record.ts";
import { SystemClock } from "../src/host/clock.ts";
import { systemRandom } from "../src/host/random.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import { openStore } from "../src/storage/open.ts";

const seconds = Number(process.argv[2] ?? 4);
const recovered = Number(process.argv[3] ?? 100_000);
const clients = 64;
const random = systemRandom();
const body = Buffer.from(JSON.stringify({ balance: 100, note: "x".repeat(100) }));

async function openEngine(directory: string): Promise<Engine> {
  return engineOver(await openStore(`disk://${directory}`, { gear: "exclusive" }));
}

function engineOver(store: Store): Engine {
  return new Engine({
    store,
    clock: new SystemClock(),
    random,
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
  });
}

function addressOf({ key, leaseId, txnId, fencingToken }: AcquireResult): LeaseAddress {
  return { key, leaseId, txnId, fencingToken };
}

async function alone(lockd: Engine, key: string): Promise<void> {
  const lease = addressOf(await lockd.acquire({ key, owner: "bench" }));
  await lockd.update(lease, body);
  await lockd.release(lease);
}

async function jointly(lockd: Engine, one: string, other: string): Promise<void> {
  const txnId = random.xid();
  const a = addressOf(await lockd.acquire({ key: one, owner: "bench", txnId }));
  const b = addressOf(await lockd.acquire({ key: other, owner: "bench", txnId }));
  await lockd.update(a, body);
  await lockd.update(b, body);
  await lockd.release(a);
}

/** Pairs of keys a second. */
async function rate(work: (client: number) => Promise<void>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < until) {
        await work(client);
        done += 1;
      }
    }),
  );
  return (done * 1000) / (performance.now() - from);
}

async function compare(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
  const lockd = await openEngine(directory);
  try {
    for (let round = 0; round < 3; round += 1) {
      const apart = await rate(async (client) => {
        await alone(lockd, `a${client}`);
        await alone(lockd, `b${client}`);
      });
      const joint = await rate((client) => jointly(lockd, `a${client}`, `b${client}`));
      console.log(
        `${clients} clients: two of one key ${apart.toFixed(0)} pairs/s, one of two keys ` +
          `${joint.toFixed(0)} pairs/s, ratio ${(joint / apart).toFixed(2)}`,
      );
    }
  } finally {
    await lockd.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A key with a staged state under a joint lease that ran out, as the engine itself leaves it. */
async function stagedKey(): Promise<KeyRecord> {
  const store = new MemoryStore();
  const lockd = engineOver(store);
  const key = "pattern";
  const lease = await lockd.acquire({ key, owner: "bench", txnId: random.xid(), ttlSeconds: 1 });
  await lockd.update({ ...addressOf(lease), key }, body);
  const name = recordName("default" as Namespace, key as Key);
  const stored = await store.get(name);
  if (stored === undefined) throw new Error("no record");
  await lockd.close();
  return decodeRecord(name, stored.bytes).record;
}

/** Half pending beyond their deadline, half decided, each about two keys with staged states. */
async function leaveBehind(directory: string): Promise<void> {
  const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
  const pattern = await stagedKey();
  const nowUnix = Math.floor(Date.now() / 1000);
  const { lease, staged } = pattern;
  if (lease === undefined || staged === undefined) throw new Error("nothing staged");
  const put = (name: string, bytes: Uint8Array) => ({
    ...{ kind: "put" as const, name, bytes, when: { kind: "any" as const } },
  });
  const stepsOf = (number: number) => {
    const txnId = random.xid();
    const keys = [`r${number}a`, `r${number}b`];
    const isPending = number % 2 === 0;
    const record: TxnRecord = {
      ...{ txnId, state: isPending ? "pending" : "commit", tcTerm: 0 },
      participants: keys.map((key) => ({
        ...{ backendHash: "", namespace: "default", key, applied: false },
      })),
      expiresAtUnix: isPending ? nowUnix - 10 : nowUnix + 86_400,
      ...{ createdAtUnix: nowUnix - 60, updatedAtUnix: nowUnix - 60 },
      decidedAtMs: isPending ? 0 : nowUnix * 1000,
    };
    const key = {
      ...pattern,
      lease: { ...lease, txnId, expiresAtUnix: nowUnix - 10 },
      staged: { ...staged, txnId },
    };
    return [
      put(txnName(txnId), encodeTxn(record, random.xid())),
      ...keys.map((name) =>
        put(recordName("default" as Namespace, name as Key), encodeRecord(key, random.xid())),
      ),
    ];
  };
  for (let first = 0; first < recovered; first += 80) {
    const count = Math.min(80, recovered - first);
    await store.apply(Array.from({ length: count }, (_, at) => stepsOf(first + at)).flat());
  }
  await store.close();
}

async function recover(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
  await leaveBehind(directory);
  const from = performance.now();
  const cpuBefore = process.cpuUsage();
  const lockd = await openEngine(directory);
  const reads: number[] = [];
  let isDone = false;
  void lockd.transactions.recovery.started.then(() => {
    isDone = true;
  });
  while (!isDone) {
    const asked = performance.now();
    await lockd.get({ key: `r${(reads.length * 97) % recovered}a`, public: true });
    reads.push(performance.now() - asked);
    await sleep(20);
  }
  const took = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  reads.sort((one, other) => one - other);
  const at = (share: number): string => (reads[Math.floor(reads.length * share)] ?? 0).toFixed(0);
  console.log(
    `recovery of ${recovered} transactions of two staged keys: ${took.toFixed(1)} s, CPU of all ` +
      `threads ${(user / 1e6).toFixed(1)} s user + ${(system / 1e6).toFixed(1)} s system; reads ` +
      `meanwhile p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(0.9999)} ms`,
  );
  await check(lockd);
  await lockd.close();
  rmSync(directory, { recursive: true, force: true });
}

/** Nothing is left, odd ones are committed, even ones rolled back. */
async function check(lockd: Engine): Promise<void> {
  const left = (await lockd.transactions.list({ limit: 1 })).transactions.length;
  if (left > 0) throw new Error("not all transactions were recovered");
  for (let number = 0; number < recovered; number += Math.ceil(recovered / 500)) {
    for (const key of [`r${number}a`, `r${number}b`]) {
      const { exists } = await lockd.get({ key, public: true });
      const { held, staged } = await lockd.status({ key });
      if (exists !== (number % 2 === 1) || held || staged) throw new Error(`${key} is wrong`);
    }
  }
}

if (seconds > 0) await compare();
await recover();
