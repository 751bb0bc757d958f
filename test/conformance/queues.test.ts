/** The cases of queues on every store, inline. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { openStore } from "../../src/storage/open.ts";
import { describeLockd, type OpenedLockd } from "./lockd-suite.ts";
import { queueCases } from "./queue-cases.ts";
import { WithoutAtomicPlans } from "./without-atomic-plans.ts";

function engineOver(store: Store): OpenedLockd {
  const lockd = new Engine({
    store,
    clock: new SystemClock(),
    random: systemRandom(),
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100 * 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
  });
  return { lockd, close: () => lockd.close() };
}

async function onDisk(gear: "shared" | "exclusive"): Promise<OpenedLockd> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-queues-"));
  const opened = engineOver(await openStore(`disk://${directory}`, { gear }));
  return {
    lockd: opened.lockd,
    close: async () => {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeLockd("queues inline on mem://", async () => engineOver(new MemoryStore()), queueCases);

describeLockd(
  "queues inline on a store others write too",
  async () => engineOver(new MemoryStore({ backend: new MemoryBackend() })),
  queueCases,
);

describeLockd(
  "queues inline on a shared store without atomic plans",
  async () => engineOver(new WithoutAtomicPlans(new MemoryStore({ backend: new MemoryBackend() }))),
  queueCases,
);

describeLockd("queues inline on disk://, shared gear", () => onDisk("shared"), queueCases);

describeLockd("queues inline on disk://, exclusive gear", () => onDisk("exclusive"), queueCases);
