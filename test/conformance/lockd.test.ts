/** The `Lockd` suite on every carrier and store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { HttpLibrary } from "../../src/client/connections.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import type { NamespaceIndex } from "../../src/engine/query/candidates.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { openIndex } from "../../src/indexing/open-index.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { openStore } from "../../src/storage/open.ts";
import { NaiveIndex } from "../support/naive-index.ts";
import { startRealServer } from "../support/real-server.ts";
import { attachmentCases, uploadCases } from "./attachment-cases.ts";
import { eligibilityCases } from "./eligibility-cases.ts";
import { indexCases } from "./index-cases.ts";
import { acquireCases, holdingCases } from "./lease-cases.ts";
import { describeLockd, type OpenedLockd } from "./lockd-suite.ts";
import { mutateCases, mutateRaceCases } from "./mutate-cases.ts";
import { namesCases } from "./names-cases.ts";
import { changeCases, overviewCases, queueChangeCases } from "./observation-cases.ts";
import { namespaceCases, queryCases } from "./query-cases.ts";
import { queryTxnCases } from "./query-txn-cases.ts";
import { indexedSelectorCases, selectorCases } from "./selector-cases.ts";
import { fusedCases, removalCases, updateCases } from "./state-cases.ts";

const groups = [
  acquireCases,
  holdingCases,
  updateCases,
  removalCases,
  fusedCases,
  uploadCases,
  attachmentCases,
  queryCases,
  eligibilityCases,
  namespaceCases,
  queryTxnCases,
  selectorCases,
  mutateCases,
  mutateRaceCases,
  namesCases,
  overviewCases,
  changeCases,
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

function engineOver(store: Store, index?: NamespaceIndex): OpenedLockd {
  const lockd = new Engine({
    store,
    index,
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
  more: {
    readonly httpLibrary?: HttpLibrary;
    readonly index?: (store: Store) => NamespaceIndex;
  } = {},
): Promise<OpenedLockd> {
  const { httpLibrary = "undici", index } = more;
  const place = directory === undefined ? {} : { directory };
  const server = await startRealServer(index === undefined ? place : { ...place, index });
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
  () => overHttp(undefined, { httpLibrary: "node" }),
  groups,
);

const queryGroups = [
  queryCases,
  eligibilityCases,
  namespaceCases,
  indexCases,
  indexedSelectorCases,
];

function indexOf(store: Store, storeUrl: string): NamespaceIndex {
  const clock = new SystemClock();
  const random = systemRandom();
  const telemetry = silentTelemetry;
  return openIndex({ store, storeUrl, clock, random, telemetry, publishes: false });
}

for (const gear of ["exclusive", "shared"] as const) {
  describeLockd(
    `inline on disk:// with its index, ${gear} gear`,
    () =>
      inDirectory(async (directory) => {
        const storeUrl = `disk://${directory}`;
        const store = await openStore(storeUrl, { gear });
        return engineOver(store, indexOf(store, storeUrl));
      }),
    queryGroups,
  );
}

describeLockd(
  "over HTTP on disk:// with its index",
  () =>
    inDirectory((directory) =>
      overHttp(directory, { index: (store) => indexOf(store, `disk://${directory}`) }),
    ),
  queryGroups,
);

describeLockd(
  "inline on mem:// with an index of segments",
  async () => {
    const store = new MemoryStore();
    return engineOver(store, indexOf(store, "mem://"));
  },
  queryGroups,
);

describeLockd(
  "inline with an index",
  async () => {
    const store = new MemoryStore();
    return engineOver(store, new NaiveIndex(store));
  },
  queryGroups,
);

describeLockd(
  "over HTTP with an index",
  () => overHttp(undefined, { index: (store) => new NaiveIndex(store) }),
  queryGroups,
);

describeLockd("watching queues, inline", async () => engineOver(new MemoryStore()), [
  queueChangeCases,
]);

describeLockd("watching queues, over HTTP", () => inDirectory(overHttp), [queueChangeCases]);
