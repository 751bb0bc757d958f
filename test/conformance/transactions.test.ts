/** The cases of transactions on every carrier and store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { HttpLockdOptions } from "../../src/client/http-options.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { openStore } from "../../src/storage/open.ts";
import { startRealServer } from "../support/real-server.ts";
import { describeLockd, type OpenedLockd } from "./lockd-suite.ts";
import { stagedMessageCases } from "./staged-message-cases.ts";
import { txnApplyCases } from "./txn-apply-cases.ts";
import { idempotencyCases, txnCommitCases, txnDecisionCases } from "./txn-cases.ts";
import { txnQueueCases } from "./txn-queue-cases.ts";
import { txnWatchCases } from "./txn-watch-cases.ts";
import { WithoutAtomicPlans } from "./without-atomic-plans.ts";

const groups = [
  txnCommitCases,
  txnDecisionCases,
  txnApplyCases,
  idempotencyCases,
  txnQueueCases,
  stagedMessageCases,
  txnWatchCases,
];

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
    transactions: { backendHash: "island-of-this-test" },
  });
  return { lockd, close: () => lockd.close() };
}

async function inDirectory(
  open: (directory: string) => Promise<OpenedLockd>,
): Promise<OpenedLockd> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-txn-"));
  const opened = await open(directory);
  return {
    lockd: opened.lockd,
    close: async () => {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function shared(): Store {
  return new MemoryStore({ backend: new MemoryBackend() });
}

describeLockd("transactions on mem://", async () => engineOver(new MemoryStore()), groups);

describeLockd("transactions on a store others write too", async () => engineOver(shared()), groups);

describeLockd(
  "transactions on a shared store without atomic plans",
  async () => engineOver(new WithoutAtomicPlans(shared())),
  groups,
);

describeLockd(
  "transactions on an own store without atomic plans",
  async () => engineOver(new WithoutAtomicPlans(new MemoryStore())),
  groups,
);

describeLockd(
  "transactions on disk://, shared gear",
  () =>
    inDirectory(async (directory) => {
      const lockd = new LocalLockd({ store: `disk://${directory}` });
      return { lockd, close: () => lockd.close() };
    }),
  groups,
);

describeLockd(
  "transactions on disk://, exclusive gear",
  () =>
    inDirectory(async (directory) =>
      engineOver(await openStore(`disk://${directory}`, { gear: "exclusive" })),
    ),
  groups,
);

async function overHttp(
  directory?: string,
  options: Partial<HttpLockdOptions> = {},
): Promise<OpenedLockd> {
  const server = await startRealServer(directory === undefined ? {} : { directory });
  const lockd = new HttpLockd({ endpoints: server.url, ...options });
  return {
    lockd,
    close: async () => {
      await lockd.close();
      await server.stop();
    },
  };
}

describeLockd("transactions over HTTP on mem://", () => overHttp(), groups);

describeLockd(
  "transactions over HTTP by Node's own client on mem://",
  () => overHttp(undefined, { httpLibrary: "node" }),
  groups,
);

describeLockd(
  "transactions over HTTP on disk://",
  () => inDirectory((directory) => overHttp(directory)),
  groups,
);

describeLockd(
  "transactions through the socket of a store's owner",
  () =>
    inDirectory(async (directory) => {
      const server = await startRealServer({ directory });
      const lockd = new LocalLockd({ store: `disk://${directory}` });
      return {
        lockd,
        close: async () => {
          await lockd.close();
          await server.stop();
        },
      };
    }),
  groups,
);
