/** Several lockds at once, for commands that look at them side by side. */
import { LockdError } from "../api/errors.ts";
import type { LoadedConfig } from "./config-file.ts";
import {
  type ClientConfig,
  type ConnectInput,
  type Connection,
  clientConfig,
  connect,
  islandNames,
  selectMode,
} from "./connect.ts";
import { UsageError } from "./usage-error.ts";

export interface NamedConnection extends Connection {
  readonly label: string;
}

export interface EachOptions {
  /** Every endpoint by itself, instead of all of them as one. */
  readonly each: boolean;
  /** Every island of the config file. */
  readonly allIslands: boolean;
  readonly max: number;
}

/** The caller closes them. @throws UsageError */
export async function connectEach(
  input: ConnectInput,
  options: EachOptions,
): Promise<readonly NamedConnection[]> {
  const config = await clientConfig(input);
  const targets = options.allIslands ? islands(config) : endpoints(input, config, options.each);
  if (targets.length > options.max) {
    throw new UsageError(`${targets.length} servers are too many; at most ${options.max}`);
  }
  const opened = await Promise.allSettled(
    targets.map(async ({ label, flag, value }) => {
      // Only the target counts now, whatever else stood on the command line.
      const others = [...input.typed].filter((name) => name !== "server" && name !== "island");
      const typed = new Set([...others, flag]);
      const flags = { ...input.flags, [flag]: value };
      const connection = await connect({ ...input, flags, typed });
      return { ...connection, label };
    }),
  );
  const good = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = opened.find(({ status }) => status === "rejected");
  if (failed?.status !== "rejected") return good;
  await Promise.allSettled(good.map(({ lockd }) => lockd.close()));
  throw failed.reason instanceof Error
    ? failed.reason
    : new LockdError("internal", "no connection");
}

interface Target {
  readonly label: string;
  readonly flag: "server" | "island" | "store";
  readonly value: string;
}

function islands(config: LoadedConfig): readonly Target[] {
  const names = islandNames(config);
  if (names.length === 0) {
    throw new UsageError("--all-islands: the config file has no client.islands");
  }
  return names.map((name) => ({ label: name, flag: "island", value: name }));
}

function endpoints(input: ConnectInput, config: ClientConfig, each: boolean): readonly Target[] {
  const mode = selectMode(input, config);
  if (mode.kind === "inline") {
    return [{ label: mode.storeUrl, flag: "store", value: mode.storeUrl }];
  }
  const all = mode.endpoints.split(",").map((endpoint) => endpoint.trim());
  const parts = each ? all.filter((endpoint) => endpoint !== "") : [mode.endpoints];
  return parts.map((endpoint) => ({ label: endpoint, flag: "server", value: endpoint }));
}
