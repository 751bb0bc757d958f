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
import { Engine } from "../src/engine/engine.ts";
import { silentTelemetry } from "../src/engine/ports/telemetry.ts";
import { encodeTxn } from "../src/engine/txn/txn-codec.ts";
import { type TxnRecord, txnName } from "../src/engine/txn/txn-record.ts";
import { SystemClock } from "../src/host/clock.ts";
import { systemRandom } from "../src/host/random.ts";
import { openStore } from "../src/storage/open.ts";

const seconds = Number(process.argv[2] ?? 4);
const recovered = Number(process.argv[3] ?? 100_000);
const clients = 64;
const random = systemRandom();
const body = Buffer.from(JSON.stringify({ balance: 100, note: "x".repeat(100) }));

async function openEngine(directory: string): Promise<Engine> {
  return new Engine({
    store: await openStore(`disk://${directory}`, { gear: "exclusive" }),
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

/** Half pending beyond their deadline, half decided, each about two keys never written. */
async function recover(): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
  const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
  const nowUnix = Math.floor(Date.now() / 1000);
  for (let first = 0; first < recovered; first += 200) {
    const plan = Array.from({ length: Math.min(200, recovered - first) }, (_, at) => {
      const txnId = random.xid();
      const number = first + at;
      const record: TxnRecord = {
        txnId,
        state: number % 2 === 0 ? "pending" : "commit",
        participants: [`r${number}a`, `r${number}b`].map((key) => ({
          backendHash: "",
          namespace: "default",
          key,
          applied: false,
        })),
        expiresAtUnix: number % 2 === 0 ? nowUnix - 10 : nowUnix + 86_400,
        tcTerm: 0,
        createdAtUnix: nowUnix - 60,
        updatedAtUnix: nowUnix - 60,
        decidedAtMs: number % 2 === 0 ? 0 : nowUnix * 1000,
      };
      const bytes = encodeTxn(record, random.xid());
      return { kind: "put" as const, name: txnName(txnId), bytes, when: { kind: "any" as const } };
    });
    await store.apply(plan);
  }
  await store.close();
  const from = performance.now();
  const lockd = await openEngine(directory);
  let slowestRead = 0;
  let isDone = false;
  void lockd.transactions.recovery.started.then(() => {
    isDone = true;
  });
  while (!isDone) {
    const asked = performance.now();
    await lockd.get({ key: "r1a", public: true });
    slowestRead = Math.max(slowestRead, performance.now() - asked);
    await sleep(20);
  }
  const took = (performance.now() - from) / 1000;
  console.log(
    `recovery of ${recovered} transactions: ${took.toFixed(1)} s, ` +
      `slowest read meanwhile ${slowestRead.toFixed(0)} ms`,
  );
  const left = (await lockd.transactions.list({ limit: 1 })).transactions.length;
  if (left > 0) console.log("NOT ALL RECOVERED");
  await lockd.close();
  rmSync(directory, { recursive: true, force: true });
}

if (seconds > 0) await compare();
await recover();
