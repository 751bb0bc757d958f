import type { ApplyResult, Plan, Store } from "../../src/engine/ports/store.ts";

export type Apply = (plan: Plan) => Promise<ApplyResult>;

/** The store with another `apply` and, if given, another `get`. */
export function withApply(store: Store, apply: Apply, get?: Store["get"]): Store {
  return {
    label: store.label,
    capabilities: store.capabilities,
    get: get ?? ((name) => store.get(name)),
    getMany: (names) =>
      get === undefined ? store.getMany(names) : Promise.all(names.map((name) => get(name))),
    getStream: (name) => store.getStream(name),
    apply,
    putStream: (name, source, signal) => store.putStream(name, source, signal),
    deleteStream: (name) => store.deleteStream(name),
    list: (prefix, options) => store.list(prefix, options),
    scan: (prefix, options) => store.scan(prefix, options),
    listStreams: (prefix, options) => store.listStreams(prefix, options),
    close: () => store.close(),
  };
}
