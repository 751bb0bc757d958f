/** The contract's cases as bytes on the wire, on every store a server may have. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../../src/host/clock.ts";
import { systemRandom } from "../../../src/host/random.ts";
import { openIndex } from "../../../src/indexing/open-index.ts";
import { dequeueWireCases, enqueueWireCases, subscribeWireCases } from "./delivery-wire-cases.ts";
import { acquireWireCases, holdingWireCases } from "./lease-wire-cases.ts";
import { orderWireCases } from "./order-wire-cases.ts";
import { indexWireCases, queryWireCases } from "./query-wire-cases.ts";
import { observerWireCases, settleWireCases, stateWireCases } from "./settle-wire-cases.ts";
import { readingWireCases, removalWireCases, updateWireCases } from "./state-wire-cases.ts";
import { describeWire } from "./wire.ts";

const groups = [
  acquireWireCases,
  holdingWireCases,
  updateWireCases,
  readingWireCases,
  removalWireCases,
  orderWireCases,
  enqueueWireCases,
  dequeueWireCases,
  subscribeWireCases,
  observerWireCases,
  settleWireCases,
  stateWireCases,
  queryWireCases,
];

async function inDirectory(): Promise<{ directory: string; close: () => Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-wire-"));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}

describeWire("the wire over mem://", async () => ({}), groups);

describeWire("the wire over disk://", inDirectory, groups);

describeWire("the wire over disk:// with its index", async () => {
  const place = await inDirectory();
  const storeUrl = `disk://${place.directory}`;
  const random = systemRandom();
  const shared = { storeUrl, clock: new SystemClock(), random, telemetry: silentTelemetry };
  return { ...place, index: (store) => openIndex({ ...shared, store, publishes: false }) };
}, [indexWireCases]);
