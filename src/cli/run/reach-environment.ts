import type { Mode } from "../connect.ts";

/** The environment in which `lockd` reaches the same store or server without flags. */
export function reachEnvironment(mode: Mode, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const merged = { ...env };
  delete merged.LOCKD_CLIENT_ISLAND;
  if (mode.kind === "inline") {
    delete merged.LOCKD_CLIENT_SERVER;
    return { ...merged, LOCKD_STORE: mode.storeUrl, LOCKD_CLIENT_STORE: mode.storeUrl };
  }
  return { ...merged, LOCKD_CLIENT_SERVER: mode.endpoints };
}
