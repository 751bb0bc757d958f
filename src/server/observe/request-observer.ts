/** A request as those see it who count or trace it. */
export interface ObservedRequest {
  /** The verb of its route, `unknown` for none. */
  readonly operation: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly correlationId: string;
  /** Of the answer, as far as there is one. */
  status(): number;
}

/** Goes around requests; a server that nobody observes has none. */
export interface RequestObserver {
  /** Around everything, the answer of a failure included; `run` never rejects. */
  request(request: ObservedRequest, run: () => Promise<void>): Promise<void>;
  /** Around what the route does; passes on what it throws. */
  operation(request: ObservedRequest, run: () => Promise<void>): Promise<void>;
}

/** Several observers, the first one outermost; undefined for none. */
export function observers(all: readonly RequestObserver[]): RequestObserver | undefined {
  const [first, ...others] = all;
  const rest = others.length === 0 ? undefined : observers(others);
  if (first === undefined || rest === undefined) return first;
  return {
    request: (request, run) => first.request(request, () => rest.request(request, run)),
    operation: (request, run) => first.operation(request, () => rest.operation(request, run)),
  };
}
