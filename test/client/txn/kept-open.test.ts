import { expect, test } from "vitest";
import { KeptOpen } from "../../../src/client/txn/kept-open.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A transaction whose renewals are answered when the test says so. */
function kept(ttlMs: number) {
  const clock = new ManualClock();
  const answers: (() => void)[] = [];
  const decide = () =>
    new Promise((resolve) => {
      answers.push(() => resolve({ state: "pending" }));
    });
  const host = { options: { clock }, lockd: { transactions: { decide } }, carrierCall: () => ({}) };
  type Host = ConstructorParameters<typeof KeptOpen>[0];
  const open = new KeptOpen(host as unknown as Host, { txnId: "t", ttlMs }, (error) => {
    throw error;
  });
  return { clock, open, answers };
}

test("a start during a renewal begins no second renewal beside it", async () => {
  const { clock, open, answers } = kept(20_000);
  open.start();
  await clock.advance(10_000);
  expect(answers).toHaveLength(1);
  open.start();
  await clock.advance(30_000);
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await clock.advance(10_000);
  expect(answers).toHaveLength(2);
  const stopped = open.stop();
  answers[1]?.();
  await stopped;
  open.start();
  await clock.advance(60_000);
  expect(answers).toHaveLength(2);
});
