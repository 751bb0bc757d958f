/** Which look the state asks for. */
import { leasesPerLook } from "../limits.ts";
import type { LookRequest } from "../source/dashboard-source.ts";
import type { DashboardState } from "./state.ts";

export function lookRequest(state: DashboardState, server: number): LookRequest {
  const windows = state.servers[server]?.windows ?? [];
  return {
    namespaces: state.namespaces,
    after: windows.at(-1)?.after,
    limit: leasesPerLook,
    order: state.order,
    filter: state.filters.keys.trim(),
  };
}

/** Equal for equal requests. */
export function questionOf(request: LookRequest): string {
  return JSON.stringify(request);
}
