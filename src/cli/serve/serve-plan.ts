/** Turns settings into what the server needs, refusing what cannot work (cli.md section 16). */
import { isIPv4, isIPv6 } from "node:net";
import { type OtlpEndpoint, parseOtlpEndpoint } from "../../host/otlp/otlp-endpoint.ts";
import { type LogLevel, parseLogLevel } from "../../host/telemetry.ts";
import { UsageError } from "../usage-error.ts";
import { parseDuration, parseSize, parseSwitch, parseWhole } from "../values.ts";
import { type QueuePlan, queuePlan } from "./queue-plan.ts";
import type { SettingName, SettingValues } from "./server-settings.ts";
import { type TxnPlan, txnPlan } from "./txn-plan.ts";

export type ListenPlan =
  | { readonly proto: "unix"; readonly path: string }
  | { readonly proto: "tcp" | "tcp4" | "tcp6"; readonly host: string; readonly port: number };

export interface ServePlan {
  readonly storeUrl: string;
  readonly listen: ListenPlan;
  readonly defaultNamespace: string;
  readonly jsonBytesMax: number;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly acquireBlockSeconds: number;
  readonly drainGraceMs: number;
  readonly shutdownTimeoutMs: number;
  readonly bodyIdleTimeoutMs: number;
  readonly sweepIntervalMs: number;
  readonly sweepGraceMs: number;
  readonly sweepOpsMax: number;
  readonly sweepRuntimeMsMax: number;
  readonly transactions: TxnPlan;
  readonly logLevel: LogLevel;
  /** undefined: nothing is counted. */
  readonly metricsListen: ListenPlan | undefined;
  readonly profilingMetrics: boolean;
  /** undefined: nothing is traced. */
  readonly otlpEndpoint: OtlpEndpoint | undefined;
  readonly queues: QueuePlan;
}

/** @throws UsageError naming the setting */
export function servePlan(settings: SettingValues): ServePlan {
  const text = (name: SettingName): string => settings[name].text.trim();
  const ms = (name: SettingName): number => parseDuration(text(name), name);
  const wholeSeconds = (name: SettingName): number => Math.max(1, Math.ceil(ms(name) / 1000));
  const storeUrl = text("store");
  if (storeUrl === "")
    throw new UsageError("--store is required (or set LOCKD_STORE), such as disk:///var/lib/lockd");
  const defaultTtlSeconds = wholeSeconds("default-ttl");
  const maxTtlSeconds = wholeSeconds("max-ttl");
  if (maxTtlSeconds < defaultTtlSeconds) {
    throw new UsageError(`max-ttl ${text("max-ttl")} is below default-ttl ${text("default-ttl")}`);
  }
  oneOf("json-util", text("json-util"), ["lockd", "jsonv2", "stdlib"]);
  parseSize(text("payload-spool-mem"), "payload-spool-mem");
  const logLevel = parseLogLevel(text("log-level"));
  if (logLevel === undefined) {
    const known = "trace, debug, info, warn, error, fatal or none";
    throw new UsageError(`log-level "${text("log-level")}" must be ${known}`);
  }
  const profilingMetrics = parseSwitch(
    text("enable-profiling-metrics"),
    "enable-profiling-metrics",
  );
  if (profilingMetrics && text("metrics-listen") === "") {
    throw new UsageError("enable-profiling-metrics needs metrics-listen");
  }
  return {
    storeUrl,
    listen: listenPlan(settings),
    defaultNamespace: text("default-namespace"),
    jsonBytesMax: parseSize(text("json-max"), "json-max"),
    defaultTtlSeconds,
    maxTtlSeconds,
    acquireBlockSeconds: wholeSeconds("acquire-block"),
    drainGraceMs: ms("drain-grace"),
    shutdownTimeoutMs: ms("shutdown-timeout"),
    bodyIdleTimeoutMs: ms("body-idle-timeout"),
    sweepIntervalMs: ms("sweeper-interval"),
    sweepGraceMs: ms("idle-sweep-grace"),
    sweepOpsMax: parseWhole(text("idle-sweep-max-ops"), "idle-sweep-max-ops", 0),
    sweepRuntimeMsMax: ms("idle-sweep-max-runtime"),
    transactions: txnPlan(settings),
    logLevel,
    metricsListen: metricsListenPlan(text("metrics-listen")),
    profilingMetrics,
    otlpEndpoint: otlpPlan(text("otlp-endpoint")),
    queues: queuePlan(settings),
  };
}

function oneOf<const Word extends string>(
  name: SettingName,
  text: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`${name} "${text}" must be one of ${words.join(", ")}`);
}

function listenPlan(settings: SettingValues): ListenPlan {
  const listen = settings.listen.text.trim();
  const proto = oneOf("listen-proto", settings["listen-proto"].text, [
    "tcp",
    "tcp4",
    "tcp6",
    "unix",
  ]);
  if (proto === "unix") {
    if (settings.listen.source === "default") {
      throw new UsageError("listen-proto unix needs --listen PATH");
    }
    return { proto, path: listen };
  }
  const { host, port } = hostAndPort(listen, "listen", "127.0.0.1:9341");
  const plainAllowed =
    parseSwitch(settings["disable-mtls"].text, "disable-mtls") &&
    settings.listen.source !== "default";
  if (!plainAllowed && !isLoopback(host)) {
    throw new UsageError(
      `listen ${listen} is reachable from other machines, and this version has no certificates ` +
        "yet: listen on 127.0.0.1 or a unix socket, or say --disable-mtls to use plain HTTP there",
    );
  }
  return { proto, host, port };
}

/** Metrics are plain by contract: whoever asks for an address beyond this machine gets it. */
function metricsListenPlan(listen: string): ListenPlan | undefined {
  if (listen === "") return undefined;
  return { proto: "tcp", ...hostAndPort(listen, "metrics-listen", "127.0.0.1:9342") };
}

function otlpPlan(text: string): OtlpEndpoint | undefined {
  if (text === "") return undefined;
  const endpoint = parseOtlpEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new UsageError(
    `otlp-endpoint "${text}" must be http(s)://host:4318 (OTLP over HTTP), or host:4317 or ` +
      "grpc(s)://host:4317 (OTLP over gRPC)",
  );
}

function hostAndPort(text: string, what: string, example: string) {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    const isPath = what === "listen" && /^(unix:|\/|\.)/.test(text);
    const socket = isPath ? "; for a socket say --listen-proto unix --listen /run/lockd.sock" : "";
    throw new UsageError(`${what} "${text}" must be host:port, for example ${example}${socket}`);
  }
  return { host: match[1] ?? match[2] ?? "", port };
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  if (isIPv6(host)) return false;
  return isIPv4(host) && host.startsWith("127.");
}
