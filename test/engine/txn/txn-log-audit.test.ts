/**
 * The log tells every story by the id of its transaction (transactions-and-islands.md section 20):
 * one story through all verbs, every line of it looked at.
 */
import { expect, test } from "vitest";
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import type { LogFields, Telemetry } from "../../../src/engine/ports/telemetry.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../../support/test-engine.ts";

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

class LogBook {
  readonly lines: Line[] = [];

  get telemetry(): Telemetry {
    const level =
      (name: string) =>
      (_sys: string, event: string, fields: LogFields = {}) => {
        this.lines.push({ level: name, event, fields });
      };
    return {
      ...{ trace: level("trace"), debug: level("debug"), info: level("info") },
      ...{ warn: level("warn"), error: level("error") },
    };
  }

  of(event: string): readonly LogFields[] {
    return this.lines.filter((line) => line.event === event).map(({ fields }) => fields);
  }

  /** Every line that names a lease names its transaction. */
  check(): void {
    for (const { event, fields } of this.lines) {
      const names = Object.keys(fields);
      const leases = names.filter((name) => name.endsWith("lease_id"));
      if (leases.length > 0)
        expect({ event, names }).toMatchObject({
          event,
          names: expect.arrayContaining(["txn_id"]),
        });
      if (event.startsWith("txn.") && !sweeping.has(event)) {
        expect({ event, txn: typeof fields.txn_id }).toEqual({ event, txn: "string" });
      }
    }
  }
}

/** Lines about many transactions, or about what could not be read. */
const sweeping = new Set(["txn.sweeper.summary", "txn.load.error"]);

const txnOf = (number: number): string => `${number.toString(32).padStart(18, "0")}v0`;

async function staged({ engine }: TestEngine, key: string, txnId: string, ttlSeconds = 20) {
  const lease = await engine.acquire({ key, owner: "w", txnId, ttlSeconds });
  const address: LeaseAddress & { key: string } = { ...lease, key };
  await engine.update(address, Buffer.from("{}"));
  return address;
}

async function tellAll(parts: TestEngine): Promise<void> {
  const { engine, clock } = parts;
  const { queues, attachments, transactions } = engine;
  // A commit of two keys, with everything a lease can do before.
  const a = await staged(parts, "a", txnOf(1));
  await engine.keepAlive({ ...a, ttlSeconds: 20 });
  await engine.updateMetadata({ ...a, queryHidden: true });
  await attachments.attach({ ...a, name: "f" }, Buffer.from("x"));
  await staged(parts, "b", txnOf(1));
  await engine.release(a);
  // A message with a state under a transaction: extended, given back, taken again and settled.
  await queues.enqueue({ queue: "q" }, Buffer.from("x"));
  for (const settle of ["nack", "ack"] as const) {
    const request = { queue: "q", owner: "w", txnId: txnOf(settle === "ack" ? 3 : 2) };
    const [taken] = await queues.dequeue({ ...request, withState: true, waitSeconds: 1 });
    if (taken === undefined) throw new Error("no delivery");
    const { messageId, leaseId, txnId, fencingToken, metaEtag } = taken;
    const at = { queue: "q", messageId, leaseId, txnId, fencingToken, metaEtag };
    const { metaEtag: next } = await queues.extend({ ...at, extendBySeconds: 30 });
    await queues[settle]({ ...at, metaEtag: next });
  }
  // A lease that ran out under a joint transaction, taken by somebody else.
  const c = await staged(parts, "c", txnOf(4), 5);
  await staged(parts, "d", txnOf(4), 60);
  await clock.advance(6_000);
  await engine.acquire({ key: c.key, owner: "other" });
  // A decision that cannot be told, then replayed; a transaction left to its deadline.
  const participants = [{ namespace: "default", key: "far", backendHash: "elsewhere" }];
  await transactions.decide({ txnId: txnOf(5), state: "commit", participants }).catch(() => {});
  await transactions.replay({ txnId: txnOf(5) }).catch(() => {});
  await staged(parts, "e", txnOf(6), 5);
  await clock.advance(10_000);
  await transactions.replay({ txnId: txnOf(6) });
  await engine.sweep({ opsMax: 1_000, signal: undefined });
  await clock.advance(1_000);
}

test.each([true, false])("every line names its transaction; atomic: %s", async (atomicPlan) => {
  const book = new LogBook();
  const parts = testEngine({
    store: new ScriptedStore({ atomicPlan }),
    telemetry: book.telemetry,
    transactions: { backendHash: "here" },
  });
  await tellAll(parts);
  await parts.engine.close();
  book.check();
  const decided = book.of("txn.tc.decide.recorded");
  expect(decided.map(({ txn_id: id, state }) => [id, state])).toEqual([
    [txnOf(1), "commit"],
    [txnOf(2), "rollback"],
    [txnOf(3), "commit"],
    [txnOf(4), "rollback"],
    [txnOf(5), "commit"],
    [txnOf(6), "rollback"],
  ]);
  expect(decided[0]).toMatchObject({
    ...{ participants: "default/a@here default/b@here", participant_count: 2, tc_term: 0 },
    ...{ expires_at: expect.any(Number), duration_ms: expect.any(Number) },
  });
  expect(book.of("txn.lease.resolved")).toHaveLength(1);
  expect(book.of("txn.replay.complete")).toMatchObject([
    { txn_id: txnOf(6), state: "rollback", duration_ms: expect.any(Number) },
  ]);
  expect(book.of("txn.sweeper.summary")[0]).toMatchObject({ duration_ms: expect.any(Number) });
  expect(book.of("txn.apply.complete").at(-1)).toMatchObject({ duration_ms: expect.any(Number) });
  expect(book.of("txn.coordinator.fanout.failed")[0]).toMatchObject({ backend_hash: "elsewhere" });
});

test("an operation that takes long is told while it does, and when it is over", async () => {
  const book = new LogBook();
  const parts = testEngine({ telemetry: book.telemetry });
  const lease = await staged(parts, "a", txnOf(1), 60);
  const stalled = Promise.withResolvers<void>();
  parts.store.scripts.push({ kind: "wait", until: stalled.promise });
  const released = parts.engine.release(lease);
  await parts.clock.advance(10_001);
  const told = { txn_id: txnOf(1), state: "commit", threshold_ms: 10_000 };
  expect(book.of("txn.decide.watchdog")).toMatchObject([told]);
  expect(book.of("txn.decide.slow")).toEqual([]);
  stalled.resolve();
  await released;
  expect(book.of("txn.decide.slow")).toMatchObject([{ ...told, elapsed_ms: 10_001 }]);
  await parts.engine.close();
});
