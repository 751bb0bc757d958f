/** Many seeds of the bank in a row, and what they added up to. */
import type { Mutant } from "../mutant.ts";
import { type BankReport, runBankSeed } from "./world.ts";

export interface BankCampaign {
  readonly seeds: Iterable<number>;
  readonly mutant?: Mutant;
  readonly enough?: (tally: BankTally) => boolean;
}

export interface BankTally {
  seeds: number;
  operations: number;
  storeCalls: number;
  attempts: number;
  committed: number;
  audits: number;
  repeated: number;
  unseen: number;
  readonly failed: BankReport[];
}

export async function runBankCampaign(campaign: BankCampaign): Promise<BankTally> {
  const tally: BankTally = {
    seeds: 0,
    operations: 0,
    storeCalls: 0,
    attempts: 0,
    committed: 0,
    audits: 0,
    repeated: 0,
    unseen: 0,
    failed: [],
  };
  const { mutant } = campaign;
  for (const seed of campaign.seeds) {
    const report = await runBankSeed(seed, mutant === undefined ? {} : { mutant });
    tally.seeds += 1;
    tally.operations += report.operations;
    tally.storeCalls += report.storeCalls;
    tally.attempts += report.attempts;
    tally.committed += report.committed;
    tally.audits += report.audits;
    tally.repeated += report.repeated;
    tally.unseen += report.unseen;
    if (report.violations.length > 0) tally.failed.push(report);
    if (campaign.enough?.(tally) === true) break;
  }
  return tally;
}
