/**
 * One run of clients that change two keys, in a process of its own: in one process for all runs the
 * later ones were slowed by what the earlier ones left, and the server looked slow for it.
 *
 * node bench/support/txn-load.ts PID URL apart|jointly SECONDS CONNECTIONS
 * Prints the result as JSON.
 */
import { systemRandom } from "../../src/host/random.ts";
import { measuredAt } from "./children.ts";
import { type Cycle, commit, commitBoth } from "./cycles.ts";
import { load } from "./load.ts";

const random = systemRandom();
const state = JSON.stringify({ balance: 100, note: "x".repeat(100) });

const cycles: Readonly<Record<string, Cycle>> = {
  apart: async (connection, lane, round) => {
    const changed = state.replace("100", String(100 + (round % 10)));
    await commit(connection, `apart/${lane}a`, changed);
    await commit(connection, `apart/${lane}b`, changed);
  },
  jointly: async (connection, lane, round) => {
    const changed = state.replace("100", String(100 + (round % 10)));
    const keys = [`joint/${lane}a`, `joint/${lane}b`] as const;
    await commitBoth(connection, { txnId: random.xid(), keys, state: changed });
  },
};

const [pid, url = "", name = "", seconds, clients] = process.argv.slice(2);
const connections = Number(clients);
const cycle = cycles[name];
if (cycle === undefined) throw new Error(`no cycle is called ${name}`);
const server = measuredAt(Number(pid), url);
const result = await load(server, { connections, seconds: Number(seconds), cycle });
console.log(JSON.stringify(result));
