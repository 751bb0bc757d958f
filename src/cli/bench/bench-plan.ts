import { isIPv4 } from "node:net";
import type { Mode } from "../connect.ts";
import { UsageError } from "../usage-error.ts";
import { parseWhole } from "../values.ts";

/** What is measured, in this order. */
export const measureNames = ["lease", "update", "queue", "txn"] as const;
export type MeasureName = (typeof measureNames)[number];

/** Seconds of one measure: a bench must end before anybody forgets that it runs. */
const secondsMax = 60;

/** Concurrent clients: each of them keeps one or two keys of the bench for good. */
const clientsMax = 256;

export interface BenchPlan {
  readonly namespace: string;
  readonly clients: number;
  /** Milliseconds of one measure. */
  readonly measureMs: number;
  readonly measures: readonly MeasureName[];
}

/** @throws UsageError */
export function benchPlan(flags: {
  readonly namespace: string;
  readonly clients: string;
  readonly seconds: string;
  readonly only?: readonly string[] | undefined;
}): BenchPlan {
  const clients = parseWhole(flags.clients, "--clients", 1);
  if (clients > clientsMax) throw new UsageError(`--clients may be ${clientsMax} at most`);
  const seconds = Number(flags.seconds);
  if (flags.seconds.trim() === "" || !(seconds > 0 && seconds <= secondsMax)) {
    throw new UsageError(`--seconds "${flags.seconds}" must be above 0 and at most ${secondsMax}`);
  }
  const only = new Set(flags.only ?? measureNames);
  return {
    namespace: flags.namespace,
    clients,
    measureMs: seconds * 1000,
    measures: measureNames.filter((name) => only.has(name)),
  };
}

/**
 * A bench is a load: on somebody else's machine it has to be meant.
 * @throws UsageError
 */
export function refuseUnlessMeant(mode: Mode, yes: boolean): void {
  if (mode.kind === "inline" || yes) return;
  const away = mode.endpoints.split(",").find((endpoint) => !isOnThisMachine(endpoint.trim()));
  if (away === undefined) return;
  throw new UsageError(
    `${away.trim()} is not on this machine, and a bench slows it down for everybody; ` +
      "say --yes if that is meant",
  );
}

/** Sockets and loopback addresses. */
export function isOnThisMachine(endpoint: string): boolean {
  if (endpoint.startsWith("unix:")) return true;
  const host = /^(?:[a-z]+:\/\/)?(\[[^\]]*\]|[^:/]*)/i.exec(endpoint)?.[1]?.toLowerCase() ?? "";
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}
