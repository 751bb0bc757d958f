/** The `Lockd` suite on every carrier and store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { HttpLibrary } from "../../src/client/connections.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { openStore } from "../../src/storage/open.ts";
import { startRealServer } from "../support/real-server.ts";
import { acquireCases, holdingCases } from "./lease-cases.ts";
import { describeLockd, type OpenedLockd } from "./lockd-suite.ts";
import { mutateCases, mutateRaceCases } from "./mutate-cases.ts";
import { fusedCases, removalCases, updateCases } from "./state-cases.ts";

const groups = [
  acquireCases,
  holdingCases,
  updateCases,
  removalCases,
  fusedCases,
  mutateCases,
  mutateRaceCases,
];

async function inDirectory(
  open: (directory: string) => Promise<OpenedLockd>,
): Promise<OpenedLockd> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-suite-"));
  const opened = await open(directory);
  return {
    lockd: opened.lockd,
    close: async () => {
      await opened.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

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

async function overHttp(
  directory?: string,
  httpLibrary: HttpLibrary = "undici",
): Promise<OpenedLockd> {
  const server = await startRealServer(directory === undefined ? {} : { directory });
  const lockd = new HttpLockd({ endpoints: server.url, httpLibrary });
  return {
    lockd,
    close: async () => {
      await lockd.close();
      await server.stop();
    },
  };
}

describeLockd("inline on mem://", async () => engineOver(new MemoryStore()), groups);

describeLockd(
  "inline on a store others write too",
  async () => engineOver(new MemoryStore({ backend: new MemoryBackend() })),
  groups,
);

describeLockd(
  "inline on disk://, shared gear",
  () =>
    inDirectory(async (directory) => {
      const lockd = new LocalLockd({ store: `disk://${directory}` });
      return { lockd, close: () => lockd.close() };
    }),
  groups,
);

describeLockd(
  "inline on disk://, exclusive gear",
  () =>
    inDirectory(async (directory) =>
      engineOver(await openStore(`disk://${directory}`, { gear: "exclusive" })),
    ),
  groups,
);

describeLockd("over HTTP on mem://", () => overHttp(), groups);

describeLockd(
  "over HTTP on disk://",
  () => inDirectory((directory) => overHttp(directory)),
  groups,
);

describeLockd(
  "over HTTP by Node's own client on mem://",
  () => overHttp(undefined, "node"),
  groups,
);
