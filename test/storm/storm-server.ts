/** A server process that storms start and kill. Needs `npm run build` before. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpLockd } from "../../src/client/http-lockd.ts";

const program = path.join(import.meta.dirname, "../../bin/lockd.js");

/** A port nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function startServer(directory: string, port: number): ChildProcess {
  const args = ["serve", "--store", `disk://${directory}`, "--listen", `127.0.0.1:${port}`];
  const child = spawn(process.execPath, [program, ...args, "--log-level", "error"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  child.on("exit", (code) => {
    if (code !== null && code !== 0) throw new Error(`the server ended with ${code}`);
  });
  return child;
}

export async function untilServing(lockd: HttpLockd): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    try {
      await lockd.describe({ key: "probe" });
      return;
    } catch {
      await sleep(25);
    }
  }
  throw new Error("the server did not come up within 10 s");
}
