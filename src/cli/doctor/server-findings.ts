/** Servers: whether they answer, which version, and what their clock says. */
import type { Lockd } from "../../api/lockd.ts";
import type { Overview } from "../../api/observation.ts";
import { reasonOf } from "../config-file.ts";
import { spanText } from "../status-text.ts";
import { type Finding, failed, fine, warned } from "./finding.ts";

/** Milliseconds that a server's clock may differ from ours without a word. */
export const clockOffsetMsWarn = 2_000;

/** Milliseconds: a request that takes longer makes every lease slower than its work. */
export const latencyMsWarn = 250;

export interface ServerToExamine {
  readonly label: string;
  readonly lockd: Lockd;
  /** Version of this program. */
  readonly version: string;
}

/** One look at a server and when it was taken. */
export interface ServerLook {
  readonly overview: Overview;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

export async function serverFindings(server: ServerToExamine): Promise<Finding[]> {
  const { label, lockd, version } = server;
  try {
    // The first one also connects, and the server may have to read in what is held.
    await lockd.observation.overview({ limit: 0 });
    const sentAtMs = Date.now();
    const overview = await lockd.observation.overview({ limit: 0 });
    return lookFindings(label, version, { overview, sentAtMs, answeredAtMs: Date.now() });
  } catch (error) {
    const fix = "start it (lockd serve), or correct the address; lockd config show says its source";
    return [failed("server", `${label} gives no answer: ${reasonOf(error)}`, fix)];
  }
}

export function lookFindings(label: string, version: string, look: ServerLook): Finding[] {
  const { overview, sentAtMs, answeredAtMs } = look;
  const tripMs = answeredAtMs - sentAtMs;
  const findings = [
    tripMs > latencyMsWarn
      ? warned("server", `${label} takes ${tripMs} ms`, "look for load, or a slow network")
      : fine("server", `${label} answers in ${tripMs} ms, up ${spanText(overview.uptimeMs)}`),
    clockFinding(label, look),
    versionFinding(label, version, overview.version),
  ];
  if (overview.draining) {
    findings.push(warned("server", `${label} is shutting down`, "use another one, or wait"));
  }
  for (const { part, code, detail } of overview.trouble) {
    findings.push(failed("server", `${label}: ${part}: ${code}: ${detail}`, "see its log"));
  }
  return findings;
}

function clockFinding(label: string, { overview, sentAtMs, answeredAtMs }: ServerLook): Finding {
  const offsetMs = overview.nowUnixMs - (sentAtMs + answeredAtMs) / 2;
  const surelyMs = Math.abs(offsetMs) - (answeredAtMs - sentAtMs) / 2;
  const side = offsetMs < 0 ? "behind" : "ahead of";
  const text = `${label} is ${Math.round(Math.abs(offsetMs))} ms ${side} this machine`;
  if (surelyMs <= clockOffsetMsWarn) return fine("server clock", text);
  return warned("server clock", text, "timedatectl set-ntp true, on both machines");
}

function versionFinding(label: string, own: string, theirs: string | undefined): Finding {
  if (theirs === own) return fine("server version", `${label} has ${theirs}, as this program`);
  const text = `${label} has ${theirs ?? "an unknown version"}, this program ${own}`;
  return warned("server version", text, "upgrade the older of the two");
}
