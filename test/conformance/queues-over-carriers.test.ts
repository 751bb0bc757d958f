/** The cases of queues through every carrier: over HTTP, and through the owner of a store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { startRealServer } from "../support/real-server.ts";
import { describeLockd, type OpenedLockd } from "./lockd-suite.ts";
import { queueCases } from "./queue-cases.ts";

async function overHttp(): Promise<OpenedLockd> {
  const server = await startRealServer({});
  const lockd = new HttpLockd({ endpoints: server.url });
  return {
    lockd,
    close: async () => {
      await lockd.close();
      await server.stop();
    },
  };
}

/** A directory that a server owns, and how its queues are reached. */
async function onDisk(
  reach: (url: string, directory: string) => HttpLockd | LocalLockd,
): Promise<OpenedLockd> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-queues-"));
  const server = await startRealServer({ directory });
  const lockd = reach(server.url, directory);
  return {
    lockd,
    close: async () => {
      await lockd.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeLockd("queues over HTTP on mem://", overHttp, queueCases);

describeLockd(
  "queues over HTTP on disk://",
  () => onDisk((url) => new HttpLockd({ endpoints: url })),
  queueCases,
);

describeLockd(
  "queues through the owner of a directory",
  () => onDisk((_url, directory) => new LocalLockd({ store: `disk://${directory}` })),
  queueCases,
);
