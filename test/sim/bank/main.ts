/** The bank as `npm run sim` runs it and replays it. */
import { type SeedPlan, Stopwatch, seedsOf, showFailed, showReplayed } from "../seed-plan.ts";
import { type BankTally, runBankCampaign } from "./campaign.ts";
import { runBankSeed } from "./world.ts";

export async function bankCampaign(plan: SeedPlan): Promise<boolean> {
  const watch = new Stopwatch(plan);
  const tally = await runBankCampaign({ seeds: seedsOf(plan), enough: () => watch.isOver });
  show(tally, watch.seconds);
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
  showFailed(failed, "bank");
}

export async function replayBank(seed: number, trace: boolean): Promise<boolean> {
  return showReplayed(await runBankSeed(seed, { trace: true }), trace);
}
