/** Everything that `lockd doctor` looks at, in the order it is told. */
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LoadedConfig, loadConfig, reasonOf } from "../config-file.ts";
import { type ConnectInput, clientConfig, selectMode } from "../connect.ts";
import { connectEach } from "../connect-each.ts";
import { shellWord } from "../shell-words.ts";
import { configFindings, statOf } from "./config-findings.ts";
import { type Diagnosis, diagnosisOf, type Finding, failed, warned } from "./finding.ts";
import {
  clockFinding,
  clockWatchMs,
  leftoverFinding,
  openFilesFinding,
  readClocks,
  readLimits,
} from "./machine-findings.ts";
import { serverFindings } from "./server-findings.ts";
import { storeFindings } from "./store-findings.ts";
import { versionFindings } from "./version-findings.ts";

/** Servers looked at, at most. */
const serversMax = 16;

/** Milliseconds that connecting to the socket in a store may take. */
const socketMsMax = 2_000;

/** @throws nothing that a finding can say */
export async function examine(input: ConnectInput, version: string): Promise<Diagnosis> {
  const before = readClocks();
  const findings = await versionFindings(version);
  const config = await readConfig(input, findings);
  if (config !== undefined) {
    findings.push(...configFindings(config, input.env));
    findings.push(...(await placeFindings(input, version)));
  }
  findings.push(...openFilesFinding(readLimits()), leftoverFinding());
  const watchedMs = readClocks().monotonicMs - before.monotonicMs;
  if (watchedMs < clockWatchMs) await sleep(clockWatchMs - watchedMs);
  findings.push(clockFinding(before, readClocks()));
  return diagnosisOf(findings);
}

async function readConfig(
  { flags, env }: ConnectInput,
  findings: Finding[],
): Promise<LoadedConfig | undefined> {
  try {
    return await loadConfig(flags.config, env);
  } catch (error) {
    findings.push(
      failed("config", reasonOf(error), "mend it, or make a new one: lockd config gen"),
    );
    return undefined;
  }
}

/** The store or the servers that commands would use. */
async function placeFindings(input: ConnectInput, version: string): Promise<Finding[]> {
  try {
    const mode = selectMode(input, await clientConfig(input));
    if (mode.kind === "server") return await serversFindings(input, version);
    const findings = await storeFindings(mode.storeUrl);
    return [...findings, ...(await ownerFindings(mode.storeUrl, version))];
  } catch (error) {
    return [failed("server", reasonOf(error), "see lockd config show")];
  }
}

async function serversFindings(input: ConnectInput, version: string): Promise<Finding[]> {
  const each = { each: true, allIslands: false, max: serversMax };
  const connections = await connectEach(input, each);
  const found: Finding[] = [];
  for (const { label, lockd } of connections) {
    found.push(...(await serverFindings({ label, lockd, version })));
    await lockd.close();
  }
  return found;
}

/** The server that owns the directory, or the socket of one that was killed. */
async function ownerFindings(storeUrl: string, version: string): Promise<Finding[]> {
  const { parseStoreUrl } = await import("../../storage/store-url.ts");
  const parsed = parseStoreUrl(storeUrl);
  if (parsed.kind === "memory") return [];
  const socketPath = path.join(parsed.directory, "lockd.sock");
  if (statOf(socketPath)?.isSocket() !== true) return [];
  if (!(await listens(socketPath))) {
    const text = `nobody listens on ${socketPath}; harmless, the next server replaces it`;
    return [warned("socket", text, `rm ${shellWord(socketPath)}`)];
  }
  const { HttpLockd } = await import("../../client/http-lockd.ts");
  const lockd = new HttpLockd({ socketPath, httpLibrary: "node", failureRetries: 0 });
  try {
    return await serverFindings({ label: socketPath, lockd, version });
  } finally {
    await lockd.close();
  }
}

function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: socketPath, timeout: socketMsMax });
    const end = (result: boolean) => (): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on("connect", end(true)).on("error", end(false)).on("timeout", end(true));
  });
}
