/** One line an adapter. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { FaultyStore } from "../../src/storage/decorators/faulty-store.ts";
import { MeteredStore } from "../../src/storage/decorators/metered-store.ts";
import { RetryingStore } from "../../src/storage/decorators/retrying-store.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { type Gear, openStore } from "../../src/storage/open.ts";
import { makeFirstLayout } from "../support/first-layout.ts";
import { describeStore, type OpenedStore } from "./store-suite.ts";

async function onDisk(
  gear: Gear,
  prepare: (directory: string) => void = () => {},
): Promise<OpenedStore> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-store-"));
  prepare(directory);
  let store = await openStore(`disk://${directory}`, { gear });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openStore(`disk://${directory}`, { gear });
      return store;
    },
    close: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

function inMemory(store: MemoryStore): OpenedStore {
  return { store, close: () => store.close() };
}

describeStore("mem://", async () => inMemory(new MemoryStore()));
describeStore("mem:// shared by several", async () =>
  inMemory(new MemoryStore({ backend: new MemoryBackend() })),
);
describeStore("mem:// behind every decorator", async () => {
  const ports = { clock: new SystemClock(), random: systemRandom() };
  const faulty = new FaultyStore(new MemoryStore(), () => undefined);
  const store = new MeteredStore(new RetryingStore(faulty, ports), ports.clock);
  return { store, close: () => store.close() };
});
describeStore("disk://, shared gear", () => onDisk("shared"));
describeStore("disk://, exclusive gear", () => onDisk("exclusive"));
describeStore("disk:// as the first lockds made it", () => onDisk("shared", makeFirstLayout));
