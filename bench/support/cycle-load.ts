/**
 * One run of clients, as a program: see load-apart.ts.
 *
 * node bench/support/cycle-load.ts PID URL CYCLE SECONDS CONNECTIONS
 * Prints the result as JSON.
 */
import { measuredAt } from "./children.ts";
import { load } from "./load.ts";
import { type CycleName, namedCycles } from "./named-cycles.ts";

const [pid, url = "", name = "", seconds, connections] = process.argv.slice(2);
const cycle = namedCycles[name as CycleName];
if (cycle === undefined) throw new Error(`no cycle is called ${name}`);
const server = measuredAt(Number(pid), url);
const options = { connections: Number(connections), seconds: Number(seconds), cycle };
console.log(JSON.stringify(await load(server, options)));
