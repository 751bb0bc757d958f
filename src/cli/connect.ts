/** Chooses how a command reaches a key: inline, a server, or an island (cli.md section 2). */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Lockd } from "../api/lockd.ts";
import {
  clientValue,
  configDirectory,
  type LoadedConfig,
  loadConfig,
  serverValue,
} from "./config-file.ts";
import { firstGiven } from "./lease-input.ts";
import { note } from "./output.ts";
import { UsageError } from "./usage-error.ts";
import { parseDuration, parseSwitch, parseWhole } from "./values.ts";

/** The global flags as parsed, environment included. */
export interface ConnectFlags {
  readonly config?: string | undefined;
  readonly server?: string | undefined;
  readonly inline?: boolean | undefined;
  readonly store?: string | undefined;
  readonly island?: string | undefined;
  readonly "disable-mtls"?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly "close-timeout"?: string | undefined;
  readonly "keepalive-timeout"?: string | undefined;
  readonly retries?: string | undefined;
  readonly "endpoint-shuffle"?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

export interface ConnectInput {
  readonly flags: ConnectFlags;
  /** Names of the flags that stood on the command line, not in the environment. */
  readonly typed: ReadonlySet<string>;
  readonly env: NodeJS.ProcessEnv;
}

export type Mode =
  | { readonly kind: "inline"; readonly storeUrl: string; readonly source: string }
  | { readonly kind: "server"; readonly endpoints: string; readonly source: string };

export interface Connection {
  readonly lockd: Lockd;
  readonly mode: Mode;
  /**
   * True while this process works on the store itself: then it judges leases by this machine's wall
   * clock, as every other such process does.
   */
  readonly worksInline: () => boolean;
}

/** Opens what the mode says; nothing of the other modes is loaded. */
export async function connect(input: ConnectInput): Promise<Connection> {
  const config = await loadConfig(input.flags.config, input.env);
  const mode = selectMode(input, config);
  if (input.flags.verbose === true) {
    const place = mode.kind === "inline" ? `store ${mode.storeUrl}` : `endpoints ${mode.endpoints}`;
    note(`client.mode mode=${mode.kind} source=${mode.source} ${place}`);
  }
  if (mode.kind === "inline") return await openInline(mode);
  return { lockd: await openServer(input, config, mode), mode, worksInline: () => false };
}

async function openInline(mode: Mode & { readonly kind: "inline" }): Promise<Connection> {
  const { LocalLockd } = await import("../local/local-lockd.ts");
  const { inheritedTraceContext } = await import("../client/trace-context.ts");
  let inline = true;
  const lockd = new LocalLockd({
    store: mode.storeUrl,
    owner: { httpLibrary: "node", traceContext: inheritedTraceContext(process.env) },
    onCarrier: (carrier) => {
      inline = carrier === "inline";
    },
  });
  return { lockd, mode, worksInline: () => inline };
}

async function openServer(
  { flags }: ConnectInput,
  config: LoadedConfig,
  mode: { readonly endpoints: string },
): Promise<Lockd> {
  const { HttpLockd } = await import("../client/http-lockd.ts");
  const { inheritedTraceContext } = await import("../client/trace-context.ts");
  const duration = (name: "timeout" | "close-timeout" | "keepalive-timeout", key: string) => {
    const text = firstGiven(flags[name], clientValue(config, key));
    const ms = text === undefined ? undefined : parseDuration(text, `--${name}`);
    return ms === undefined || ms <= 0 ? undefined : ms;
  };
  const retries = firstGiven(flags.retries, clientValue(config, "retries"));
  return new HttpLockd({
    httpLibrary: "node",
    traceContext: inheritedTraceContext(process.env),
    endpoints: mode.endpoints,
    disableMtls: flags["disable-mtls"] === true || configSwitch(config, "disable_mtls"),
    shuffle: flags["endpoint-shuffle"] ?? true,
    httpTimeoutMs: duration("timeout", "timeout"),
    closeTimeoutMs: duration("close-timeout", "close_timeout"),
    keepAliveTimeoutMs: duration("keepalive-timeout", "keepalive_timeout"),
    failureRetries:
      retries === undefined ? undefined : Math.max(0, parseWhole(retries, "--retries", -1)),
  });
}

function configSwitch(config: LoadedConfig, key: string): boolean {
  const text = clientValue(config, key);
  return text === undefined ? false : parseSwitch(text, `client.${key}`);
}

/** First match of the table in section 2 wins. @throws UsageError */
export function selectMode(input: ConnectInput, config: LoadedConfig): Mode {
  const { flags, typed, env } = input;
  if (flags.inline === true && (typed.has("server") || typed.has("island"))) {
    throw new UsageError("--inline cannot be combined with --server or --island");
  }
  if (flags.inline === true) return inlineMode(input, config, "--inline");
  const candidates: readonly (readonly [string | undefined, string, "server" | "island"])[] = [
    [typed.has("server") ? flags.server : undefined, "--server", "server"],
    [typed.has("island") ? flags.island : undefined, "--island", "island"],
    [env.LOCKD_CLIENT_SERVER, "LOCKD_CLIENT_SERVER", "server"],
    [env.LOCKD_CLIENT_ISLAND, "LOCKD_CLIENT_ISLAND", "island"],
    [clientValue(config, "server"), "client.server", "server"],
    [clientValue(config, "island"), "client.island", "island"],
  ];
  for (const [value, source, kind] of candidates) {
    const text = firstGiven(value);
    if (text === undefined) continue;
    const endpoints = kind === "server" ? text : islandEndpoints(config, text);
    return { kind: "server", endpoints: defaultServer(endpoints), source };
  }
  return inlineMode(input, config, "default");
}

function defaultServer(endpoints: string): string {
  return endpoints === "default" ? "https://127.0.0.1:9341" : endpoints;
}

function islandEndpoints(config: LoadedConfig, name: string): string {
  const endpoints = clientValue(config, `islands.${name}.server`);
  if (endpoints !== undefined) return endpoints;
  throw new UsageError(
    `island "${name}" is not in the config file (client.islands.${name}.server)`,
  );
}

function inlineMode({ flags, env }: ConnectInput, config: LoadedConfig, source: string): Mode {
  const storeUrl =
    firstGiven(
      flags.store,
      env.LOCKD_CLIENT_STORE,
      clientValue(config, "store"),
      env.LOCKD_STORE,
      serverValue(config, "store"),
    ) ?? defaultStoreUrl(env);
  return { kind: "inline", storeUrl, source };
}

/** `disk://<config-dir>/store`. */
export function defaultStoreUrl(env: NodeJS.ProcessEnv): string {
  const directory = path.join(configDirectory(env), "store");
  return `disk://${pathToFileURL(directory).pathname}`;
}
