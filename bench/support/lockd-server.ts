/**
 * lockd as `serve` runs it, printing its URL; arguments: the store URL, and "no-index" to measure
 * what the index costs.
 */

import { Engine } from "../../src/engine/engine.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { openIndex } from "../../src/indexing/open-index.ts";
import { startServer } from "../../src/server/server.ts";
import { openStore } from "../../src/storage/open.ts";

const [storeUrl = "mem://", without] = process.argv.slice(2);
const store = await openStore(storeUrl, { gear: "exclusive" });
const clock = new SystemClock();
const random = systemRandom();
const telemetry = silentTelemetry;
const engine = new Engine({
  store,
  clock,
  random,
  telemetry,
  index:
    without === "no-index"
      ? undefined
      : openIndex({ store, storeUrl, clock, random, telemetry, publishes: true }),
  defaultNamespace: "default",
  jsonBytesMax: 100 * 1024 * 1024,
  defaultTtlSeconds: 30,
  maxTtlSeconds: 1800,
  acquireBlockSeconds: 60,
});
const server = await startServer({
  lockd: engine,
  clock,
  random,
  telemetry,
  listeners: [{ proto: "tcp", host: "127.0.0.1", port: 0 }],
  drainGraceMs: 0,
  shutdownTimeoutMs: 2_000,
  bodyIdleTimeoutMs: 0,
  onBug: (error) => {
    throw error;
  },
});
console.log(server.endpoints[0]);
process.on("SIGTERM", () => {
  void server
    .stop()
    .then(() => engine.close())
    .then(() => process.exit(0));
});
