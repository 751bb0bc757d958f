/** Flags that several commands share, spelled and explained alike everywhere (cli.md section 4). */
import { Flags } from "./oclif.ts";
import { parseTimeLimit } from "./values.ts";

/** A duration that some timer keeps; checked wherever it is typed, used or not. */
const timeLimit = (name: string, options: { readonly env: string; readonly description: string }) =>
  Flags.string({
    ...options,
    helpGroup: "GLOBAL",
    parse: async (text) => {
      parseTimeLimit(text, `--${name}`);
      return text;
    },
  });

/** Every command has these. */
export const globalFlags = {
  config: Flags.string({
    char: "c",
    env: "LOCKD_CONFIG",
    description: "config file; default <config-dir>/config.yaml when it exists",
    helpGroup: "GLOBAL",
  }),
  server: Flags.string({
    char: "s",
    env: "LOCKD_CLIENT_SERVER",
    description: "use a server: http://host:port or unix:///path, several with commas",
    helpGroup: "GLOBAL",
  }),
  inline: Flags.boolean({
    description: "use the store on this machine even when a server is configured",
    helpGroup: "GLOBAL",
  }),
  store: Flags.string({
    description:
      "store for inline use, for example disk:///var/lib/lockd [env: LOCKD_CLIENT_STORE]",
    helpGroup: "GLOBAL",
  }),
  context: Flags.string({
    env: "LOCKD_CONTEXT",
    description: "use a named set of these settings; see lockd context",
    helpGroup: "GLOBAL",
  }),
  island: Flags.string({
    env: "LOCKD_CLIENT_ISLAND",
    description: "use a named island of the config file",
    helpGroup: "GLOBAL",
  }),
  "disable-mtls": Flags.boolean({
    env: "LOCKD_CLIENT_DISABLE_MTLS",
    description: "plain HTTP for endpoints without a scheme",
    helpGroup: "GLOBAL",
  }),
  timeout: timeLimit("timeout", {
    env: "LOCKD_CLIENT_TIMEOUT",
    description: "limit of one HTTP attempt; default 15s",
  }),
  "close-timeout": timeLimit("close-timeout", {
    env: "LOCKD_CLIENT_CLOSE_TIMEOUT",
    description: "limit of a release while the command ends; default 5s",
  }),
  "keepalive-timeout": timeLimit("keepalive-timeout", {
    env: "LOCKD_CLIENT_KEEPALIVE_TIMEOUT",
    description: "limit of one keepalive; default 5s",
  }),
  retries: Flags.string({
    env: "LOCKD_CLIENT_RETRIES",
    description: "retries of failures that are no conflicts, -1 for none; default 5",
    helpGroup: "GLOBAL",
  }),
  "endpoint-shuffle": Flags.boolean({
    env: "LOCKD_CLIENT_ENDPOINT_SHUFFLE",
    description: "random order of several endpoints; on unless --no-endpoint-shuffle",
    allowNo: true,
    default: true,
    helpGroup: "GLOBAL",
  }),
  json: Flags.boolean({
    description: "results and errors as JSON",
    helpGroup: "GLOBAL",
  }),
  verbose: Flags.boolean({
    char: "v",
    description: "tell on stderr what is used and why",
    helpGroup: "GLOBAL",
  }),
} as const;

/** Which key, and where. */
export const keyFlags = {
  key: Flags.string({
    char: "k",
    description: "the key, also as the first argument [env: LOCKD_CLIENT_KEY]",
  }),
  namespace: Flags.string({
    char: "n",
    env: "LOCKD_CLIENT_NAMESPACE",
    description: "namespace of the key; default: the store's or server's default",
  }),
} as const;

/** Proof of a lease; acquire prints these. */
export const leaseFlags = {
  ...keyFlags,
  lease: Flags.string({ description: "lease id, an xid [env: LOCKD_CLIENT_LEASE]" }),
  "fencing-token": Flags.string({
    description: "fencing token, an integer > 0 [env: LOCKD_CLIENT_FENCING_TOKEN]",
  }),
  "txn-id": Flags.string({ description: "transaction id, an xid [env: LOCKD_CLIENT_TXN_ID]" }),
} as const;

/** The same where arguments are something else than keys. */
export const leaseOnlyFlags = {
  ...leaseFlags,
  key: Flags.string({ char: "k", description: "the key [env: LOCKD_CLIENT_KEY]" }),
} as const;

/** Conditions on the state a change is made to. */
export const casFlags = {
  "if-version": Flags.string({ description: "only when the state has this version" }),
  "if-etag": Flags.string({ description: "only when the state has this etag" }),
} as const;
