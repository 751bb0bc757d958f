/** A write load from a process of its own: URL, connections, seconds. */
import { threeCalls } from "./cycles.ts";
import { load } from "./load.ts";

const [url = "", connections = "32", seconds = "5"] = process.argv.slice(2);
const unmeasured = { url, pid: 0, cpuMicros: () => 0, rssMegabytes: () => 0, stop: async () => {} };
console.log("writing");
await load(unmeasured, {
  connections: Number(connections),
  seconds: Number(seconds),
  cycle: threeCalls,
});
