/** The bank as `npm run sim` runs it and replays it. */
import { seedsFrom } from "../campaign.ts";
import { type BankTally, runBankCampaign } from "./campaign.ts";
import { runBankSeed } from "./world.ts";

export interface BankPlan {
  /** Seeds that ever failed. */
  readonly kept: readonly number[];
  readonly first: number;
  readonly count: number;
  /** Ends it then; undefined: after `count` seeds. */
  readonly minutes: number | undefined;
}

/** True when every seed was good; prints what was done and how to replay what was not. */
export async function bankCampaign({ kept, first, count, minutes }: BankPlan): Promise<boolean> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  const tally = await runBankCampaign({
    seeds: [...kept, ...seedsFrom(first, count)],
    enough: () => minutes !== undefined && seconds() > minutes * 60,
  });
  show(tally, seconds());
  return tally.failed.length === 0;
}

function show(tally: BankTally, seconds: number): void {
  const { seeds, operations, attempts, committed, audits, repeated, unseen, failed } = tally;
  console.log(
    `sim bank: ${seeds} seeds, ${operations} operations, ${attempts} transactions, ` +
      `${committed} of them committed, ${audits} audits, ${tally.storeCalls} store calls ` +
      `in ${seconds.toFixed(0)} s; ${failed.length} failed`,
  );
  console.log(
    `sim bank: as the contract allows, ${repeated} orders came again because their commit was ` +
      `late, ${unseen} were acknowledged unseen after a doubled dequeue`,
  );
  for (const { seed, violations } of failed) {
    const [violation] = violations;
    console.log(`sim bank: seed ${seed} violates ${violation?.property}: ${violation?.text}`);
    console.log(`     replay: npm run sim -- --bank --seed ${seed} --trace`);
  }
}

export async function replayBank(seed: number, trace: boolean): Promise<boolean> {
  const report = await runBankSeed(seed, { trace: true });
  if (trace) console.log(report.trace.join("\n"));
  for (const { property, text } of report.violations) console.log(`${property}: ${text}`);
  console.log(`trace ${report.traceHash}, ${report.operations} operations`);
  return report.violations.length === 0;
}
