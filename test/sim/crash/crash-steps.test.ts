/**
 * A transaction over two keys, attachments and a message, whose process dies at every step of it,
 * and whose recovery dies at every step of its own: all of it happens or nothing, nothing is left
 * over, and recovering once more changes nothing.
 */
import { describe, expect, test } from "vitest";
import { bankMutants, recoveryMutant } from "../bank/mutants.ts";
import type { Mutant } from "../mutant.ts";
import { txnMutants } from "../txn/mutants.ts";
import { enumerateDeaths } from "./enumerate.ts";

const stores = [
  ["a disk of its own, atomic plans", { exclusive: true, atomicPlan: true }],
  ["a disk of its own, torn plans", { exclusive: true, atomicPlan: false }],
  ["a shared store, atomic plans", { exclusive: false, atomicPlan: true }],
  ["a shared store, torn plans", { exclusive: false, atomicPlan: false }],
] as const;

/** All leases of the story are over by then. */
const lateMs = 60_000;

const timeoutMs = 120_000;

describe.each(stores)("%s", (_name, store) => {
  test.each([
    ["ack", true],
    ["release", false],
    ["decide", false],
  ] as const)(
    "ends with %s; deaths of the recovery: %s",
    async (end, inRecoveryToo) => {
      const sum = await enumerateDeaths({ ...store, end, downMs: 0 }, { inRecoveryToo });
      expect(sum.failures).toEqual([]);
      expect(sum.committed).toBeGreaterThan(10);
      expect(sum.undone).toBeGreaterThan(10);
      expect(sum.secondDeaths > 10).toBe(inRecoveryToo);
    },
    timeoutMs,
  );

  test.each([
    ["rollback", true],
    ["nack", false],
  ] as const)(
    "ends with %s; deaths of the recovery: %s",
    async (end, inRecoveryToo) => {
      const sum = await enumerateDeaths({ ...store, end, downMs: 0 }, { inRecoveryToo });
      expect(sum.failures).toEqual([]);
      expect(sum.runs).toBeGreaterThan(30);
      expect(sum.committed).toBe(0);
      expect(sum.secondDeaths > 10).toBe(inRecoveryToo);
    },
    timeoutMs,
  );

  test(
    "nobody is there until its leases are over",
    async () => {
      const sum = await enumerateDeaths(
        { ...store, end: "ack", downMs: lateMs },
        { inRecoveryToo: true },
      );
      expect(sum.failures).toEqual([]);
      expect(sum.secondDeaths).toBeGreaterThan(50);
    },
    timeoutMs,
  );
});

/** Those whose bug shows without a second client. */
const visible = new Set([
  "attachment promoted before the decision",
  "deletion forgotten by the commit",
  "ack applied on rollback",
  "message forgotten by the commit",
  "recovery skips the message",
  "a participant is skipped",
]);

const mutants = [...bankMutants, recoveryMutant, ...txnMutants].filter(({ name }) =>
  visible.has(name),
);

test("all of them are there", () => expect(mutants).toHaveLength(visible.size));

test.each(mutants.map((mutant): readonly [string, Mutant] => [mutant.name, mutant]))(
  "found by dying: %s",
  async (_name, mutant) => {
    let failures = 0;
    for (const end of ["ack", "rollback"] as const) {
      for (const [, store] of stores) {
        const mode = { ...store, end, downMs: 0 };
        failures += (await enumerateDeaths(mode, { mutant, inRecoveryToo: false })).failures.length;
        if (failures > 0) return;
      }
    }
    expect(failures).toBeGreaterThan(0);
  },
  timeoutMs,
);
