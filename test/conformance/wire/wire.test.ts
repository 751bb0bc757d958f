/** The contract's cases as bytes on the wire, on every store a server may have. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { dequeueWireCases, enqueueWireCases, subscribeWireCases } from "./delivery-wire-cases.ts";
import { acquireWireCases, holdingWireCases } from "./lease-wire-cases.ts";
import { observerWireCases, settleWireCases, stateWireCases } from "./settle-wire-cases.ts";
import { readingWireCases, removalWireCases, updateWireCases } from "./state-wire-cases.ts";
import { describeWire } from "./wire.ts";

const groups = [
  acquireWireCases,
  holdingWireCases,
  updateWireCases,
  readingWireCases,
  removalWireCases,
  enqueueWireCases,
  dequeueWireCases,
  subscribeWireCases,
  observerWireCases,
  settleWireCases,
  stateWireCases,
];

describeWire("the wire over mem://", async () => ({}), groups);

describeWire(
  "the wire over disk://",
  async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "lockd-wire-"));
    return { directory, close: () => rm(directory, { recursive: true, force: true }) };
  },
  groups,
);
