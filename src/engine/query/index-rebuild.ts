import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { EngineOptions } from "../options.ts";
import { callStore } from "../store-failure.ts";
import type { RebuildOptions } from "./candidates.ts";

export interface RebuildResult {
  readonly namespace: string;
  readonly seq: number;
  /** False when another rebuild of it is under way. */
  readonly rebuilt: boolean;
}

/** @throws invalid_namespace, index_unavailable */
export async function rebuildIndex(
  { index, defaultNamespace }: EngineOptions,
  namespace: string,
  options: RebuildOptions,
): Promise<RebuildResult> {
  const normal = normalizeNamespace(namespace, defaultNamespace);
  if (index === undefined) throw failure("index_unavailable", "this store has no index");
  const result = await callStore(() => index.rebuild(normal, options));
  return { namespace: normal, ...result };
}
