/** How each namespace is searched (query-and-lql.md section 10): one record, changed by CAS. */
import { parseEtag } from "../../api/decimals.ts";
import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type {
  NamespaceConfig,
  NamespaceConfigRequest,
  SetNamespaceConfigRequest,
} from "../../api/queries.ts";
import { cachedNamespaceConfigsMax, casAttemptsMax, namespaceConfigAgeMsMax } from "../limits.ts";
import type { EngineOptions } from "../options.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { VersionTag } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import {
  configName,
  decodeConfig,
  encodeConfig,
  isEngine,
  isFallback,
  type StoredConfig,
} from "./config-record.ts";

interface Found {
  readonly stored: StoredConfig | undefined;
  readonly tag: VersionTag | undefined;
}

interface Remembered {
  readonly config: NamespaceConfig;
  readonly readAt: Monotonic;
}

type Change = Partial<Pick<StoredConfig, "preferredEngine" | "fallbackEngine">>;

export class NamespaceConfigs {
  readonly #options: EngineOptions;
  /** In the order in which they were read, oldest first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async read(request: NamespaceConfigRequest): Promise<NamespaceConfig> {
    const namespace = normalizeNamespace(request.namespace, this.#options.defaultNamespace);
    return this.#config(namespace, (await this.#load(namespace)).stored);
  }

  /** As last read, at most `namespaceConfigAgeMsMax` ago. `namespace` is checked. */
  async current(namespace: string): Promise<NamespaceConfig> {
    const now = this.#options.clock.monotonicMs();
    const known = this.#remembered.get(namespace);
    if (known !== undefined && now - known.readAt < namespaceConfigAgeMsMax) return known.config;
    const config = this.#config(namespace, (await this.#load(namespace)).stored);
    this.#remember(config, now);
    return config;
  }

  /** @throws invalid_namespace, invalid_namespace_request, namespace_config_conflict */
  async change(request: SetNamespaceConfigRequest): Promise<NamespaceConfig> {
    const namespace = normalizeNamespace(request.namespace, this.#options.defaultNamespace);
    const change = checkChange(request.query);
    const stored = await this.#write(namespace, change, parseEtag(request.ifMatch));
    const config = this.#config(namespace, stored);
    this.#remember(config, this.#options.clock.monotonicMs());
    return config;
  }

  /**
   * One id for all attempts: whichever of them landed, finding the id means that it did. A write of
   * unknown outcome that is not found may have been replaced already; with a condition that is not
   * guessed about.
   */
  async #write(
    namespace: string,
    change: Change,
    ifMatch: string | undefined,
  ): Promise<StoredConfig> {
    const { store, random } = this.#options;
    const name = configName(namespace);
    const etag = random.xid();
    let unknown: { readonly cause: unknown } | undefined;
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const { stored, tag } = await this.#load(namespace).catch((error: unknown) => {
        throw unknown === undefined ? error : unknownOutcome(name, { cause: error });
      });
      if (stored?.etag === etag) return stored;
      if (ifMatch !== undefined && stored?.etag !== ifMatch) {
        throw unknown === undefined ? conflict(namespace, stored) : unknownOutcome(name, unknown);
      }
      const { preferredEngine, fallbackEngine } = this.#config(namespace, stored);
      const next: StoredConfig = { preferredEngine, fallbackEngine, ...change, etag };
      const when = tag === undefined ? { kind: "absent" as const } : { kind: "tag" as const, tag };
      const result = await callStore(() =>
        store.apply([{ kind: "put", name, bytes: encodeConfig(next), when }]),
      );
      if (result.kind === "applied") return next;
      if (result.kind === "unknown") unknown = { cause: result.cause };
    }
    if (unknown !== undefined) throw unknownOutcome(name, unknown);
    throw failure("cas_mismatch", `${name}: other writers won ${casAttemptsMax} times in a row`);
  }

  async #load(namespace: string): Promise<Found> {
    const name = configName(namespace);
    return await callStore(async () => {
      const object = await this.#options.store.get(name);
      if (object === undefined) return { stored: undefined, tag: undefined };
      return { stored: decodeConfig(name, object.bytes), tag: object.tag };
    });
  }

  #config(namespace: string, stored: StoredConfig | undefined): NamespaceConfig {
    const { index, queryEngineDefault } = this.#options;
    const preferred = queryEngineDefault ?? (index === undefined ? "scan" : "index");
    return {
      namespace,
      preferredEngine: stored?.preferredEngine ?? preferred,
      fallbackEngine: stored?.fallbackEngine ?? "none",
      etag: stored?.etag,
    };
  }

  #remember(config: NamespaceConfig, readAt: Monotonic): void {
    this.#remembered.delete(config.namespace);
    this.#remembered.set(config.namespace, { config, readAt });
    if (this.#remembered.size <= cachedNamespaceConfigsMax) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}

/** @throws invalid_namespace_request */
function checkChange(query: SetNamespaceConfigRequest["query"]): Change {
  if (query === undefined) {
    throw failure("invalid_namespace_request", "query is missing; it holds what to change");
  }
  const preferred = word(query.preferredEngine);
  const fallback = word(query.fallbackEngine);
  if (preferred !== "" && !isEngine(preferred)) {
    throw invalidEngine("preferred_engine", preferred, "index or scan");
  }
  if (fallback !== "" && !isFallback(fallback)) {
    throw invalidEngine("fallback_engine", fallback, "scan or none");
  }
  return {
    ...(preferred === "" ? {} : { preferredEngine: preferred }),
    ...(fallback === "" ? {} : { fallbackEngine: fallback }),
  };
}

function word(text: string | undefined): string {
  return text?.trim().toLowerCase() ?? "";
}

function invalidEngine(member: string, given: string, right: string): Error {
  const detail = `${member} "${given.slice(0, 40)}" must be ${right}`;
  return failure("invalid_namespace_request", detail);
}

function conflict(namespace: string, stored: StoredConfig | undefined): Error {
  const has = stored === undefined ? "no stored configuration" : `etag ${stored.etag}`;
  const details = stored === undefined ? {} : { currentEtag: stored.etag };
  return failure("namespace_config_conflict", `namespace ${namespace} has ${has}`, details);
}

function unknownOutcome(name: string, { cause }: { readonly cause: unknown }): Error {
  const detail = `${name}: the outcome of a write could not be found out`;
  return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
}
