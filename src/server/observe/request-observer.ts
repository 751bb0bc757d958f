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

/** Two observers as one, `outer` around `inner`. */
export function bothObservers(outer: RequestObserver, inner: RequestObserver): RequestObserver {
  return {
    request: (request, run) => outer.request(request, () => inner.request(request, run)),
    operation: (request, run) => outer.operation(request, () => inner.operation(request, run)),
  };
}
