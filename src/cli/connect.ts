/** Chooses how a command reaches a key: inline, a server, or an island (cli.md section 2). */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Lockd } from "../api/lockd.ts";
import {
  clientSetting,
  clientValue,
  configDirectory,
  type LoadedConfig,
  loadConfig,
  serverValue,
} from "./config-file.ts";
import { type ActiveContext, activeContext } from "./context/active-context.ts";
import { firstGiven } from "./lease-input.ts";
import { note } from "./output.ts";
import { nearest } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";
import { parseSwitch, parseTimeLimit, parseWhole } from "./values.ts";

/** The global flags as parsed, environment included. */
export interface ConnectFlags {
  readonly config?: string | undefined;
  readonly server?: string | undefined;
  readonly inline?: boolean | undefined;
  readonly store?: string | undefined;
  readonly context?: string | undefined;
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

export interface ClientConfig extends LoadedConfig {
  readonly context?: ActiveContext | undefined;
}

const durationFlags = ["timeout", "close-timeout", "keepalive-timeout"] as const;

type DurationFlag = (typeof durationFlags)[number];

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

/** The config file with the context in front of it. @throws UsageError */
export async function clientConfig({ flags, typed, env }: ConnectInput): Promise<ClientConfig> {
  const context = activeContext(typed.has("context") ? flags.context : undefined, env);
  return { ...(await loadConfig(flags.config, env)), context };
}

/** Opens what the mode says; nothing of the other modes is loaded. */
export async function connect(input: ConnectInput): Promise<Connection> {
  const config = await clientConfig(input);
  const mode = selectMode(input, config);
  if (input.flags.verbose === true) {
    const place = mode.kind === "inline" ? `store ${mode.storeUrl}` : `endpoints ${mode.endpoints}`;
    note(`client.mode mode=${mode.kind} source=${mode.source} ${place}`);
  }
  // Also where they are not used: a wrong one shows on the first machine, not on the last.
  for (const name of durationFlags) timeLimit(input.flags[name], config, name);
  if (mode.kind === "inline") return await openInline(mode);
  return { lockd: await openServer(input, config, mode), mode, worksInline: () => false };
}

/** Undefined: the default, also for 0 (cli.md section 4). @throws UsageError */
function timeLimit(
  flag: string | undefined,
  config: ClientConfig,
  name: DurationFlag,
): number | undefined {
  const text = firstGiven(flag, clientSetting(config, name));
  const ms = text === undefined ? undefined : parseTimeLimit(text, `--${name}`);
  return ms === 0 ? undefined : ms;
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
  { flags, typed }: ConnectInput,
  config: ClientConfig,
  mode: { readonly endpoints: string },
): Promise<Lockd> {
  const { HttpLockd } = await import("../client/http-lockd.ts");
  const { inheritedTraceContext } = await import("../client/trace-context.ts");
  const shuffle = clientSetting(config, "endpoint-shuffle");
  const duration = (name: DurationFlag) => timeLimit(flags[name], config, name);
  const retries = firstGiven(flags.retries, clientSetting(config, "retries"));
  return new HttpLockd({
    httpLibrary: "node",
    traceContext: inheritedTraceContext(process.env),
    endpoints: mode.endpoints,
    disableMtls: flags["disable-mtls"] === true || configSwitch(config, "disable-mtls"),
    shuffle:
      typed.has("endpoint-shuffle") || shuffle === undefined
        ? (flags["endpoint-shuffle"] ?? true)
        : parseSwitch(shuffle, "endpoint-shuffle"),
    httpTimeoutMs: duration("timeout"),
    closeTimeoutMs: duration("close-timeout"),
    keepAliveTimeoutMs: duration("keepalive-timeout"),
    failureRetries:
      retries === undefined ? undefined : Math.max(0, parseWhole(retries, "--retries", -1)),
  });
}

function configSwitch(config: ClientConfig, flag: string): boolean {
  const text = clientSetting(config, flag);
  return text === undefined ? false : parseSwitch(text, `client.${flag.replaceAll("-", "_")}`);
}

type PlaceKind = "server" | "island" | "store";

type Candidate = readonly [value: string | undefined, source: string, kind: PlaceKind];

/** Where the context is; at most one of the three. */
function contextPlace(context: ActiveContext | undefined): readonly Candidate[] {
  if (context === undefined) return [];
  const source = `${context.source} ${context.name}`;
  const kinds: readonly PlaceKind[] = ["server", "island", "store"];
  return kinds.map((kind) => [context.settings[kind], source, kind]);
}

/**
 * First match of the table in section 2 wins; a context goes before the config file, and before the
 * environment when it is named on the command line. @throws UsageError
 */
export function selectMode(input: ConnectInput, config: ClientConfig): Mode {
  const { flags, typed, env } = input;
  if (flags.inline === true && (typed.has("server") || typed.has("island"))) {
    throw new UsageError("--inline cannot be combined with --server or --island");
  }
  if (flags.inline === true) return inlineMode(input, config, "--inline");
  const { context } = config;
  // A store in the environment chooses no mode by itself, but it is where the shell's lease is.
  const envStore = context === undefined ? undefined : env.LOCKD_CLIENT_STORE;
  const candidates: readonly Candidate[] = [
    [typed.has("server") ? flags.server : undefined, "--server", "server"],
    [typed.has("island") ? flags.island : undefined, "--island", "island"],
    // Without a context a store that is typed chooses no mode (cli.md section 2).
    [context !== undefined && typed.has("store") ? flags.store : undefined, "--store", "store"],
    ...(context?.typed === true ? contextPlace(context) : []),
    [env.LOCKD_CLIENT_SERVER, "LOCKD_CLIENT_SERVER", "server"],
    [env.LOCKD_CLIENT_ISLAND, "LOCKD_CLIENT_ISLAND", "island"],
    [envStore, "LOCKD_CLIENT_STORE", "store"],
    ...contextPlace(context),
    [clientValue(config, "server"), "client.server", "server"],
    [clientValue(config, "island"), "client.island", "island"],
  ];
  for (const [value, source, kind] of candidates) {
    const text = firstGiven(value);
    if (text === undefined) continue;
    if (kind === "store") return { kind: "inline", storeUrl: flags.store ?? text, source };
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
  const near = nearest(name, islandNames(config));
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  throw new UsageError(
    `island "${name}" is not in the config file (client.islands.${name}.server)${hint}`,
  );
}

/** Islands of the config file, sorted. */
export function islandNames(config: LoadedConfig): readonly string[] {
  const client = config.values.client as
    | { islands?: Readonly<Record<string, unknown>> }
    | undefined;
  return Object.keys(client?.islands ?? {}).sort();
}

function inlineMode({ flags, env }: ConnectInput, config: ClientConfig, source: string): Mode {
  const storeUrl =
    firstGiven(
      flags.store,
      config.context?.typed === true ? config.context.settings.store : undefined,
      env.LOCKD_CLIENT_STORE,
      config.context?.settings.store,
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
