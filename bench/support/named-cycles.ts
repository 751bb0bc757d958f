/** Cycles that a load in a process of its own can be asked for by their names. */
import { systemRandom } from "../../src/host/random.ts";
import { type Cycle, commit, commitBoth, threeCalls, twoCalls } from "./cycles.ts";
import { queueCycle } from "./queue-cycles.ts";

const random = systemRandom();
const state = JSON.stringify({ balance: 100, note: "x".repeat(100) });
const changed = (round: number): string => state.replace("100", String(100 + (round % 10)));

const apart: Cycle = async (connection, lane, round) => {
  await commit(connection, `apart/${lane}a`, changed(round));
  await commit(connection, `apart/${lane}b`, changed(round));
};

const jointly: Cycle = async (connection, lane, round) => {
  const keys = [`joint/${lane}a`, `joint/${lane}b`] as const;
  await commitBoth(connection, { txnId: random.xid(), keys, state: changed(round) });
};

export const namedCycles = {
  threeCalls,
  twoCalls,
  queueCycle,
  apart,
  jointly,
} as const;

export type CycleName = keyof typeof namedCycles;
