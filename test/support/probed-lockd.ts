import type { BodyIn, Lockd, LockdCall } from "../../src/api/lockd.ts";
import type { CarrierCall } from "../../src/client/carrier-call.ts";

type Facet = "queues" | "queries" | "attachments" | "observation" | "transactions";
export type Verb = Exclude<keyof Lockd, "close" | Facet>;

export interface ProbedCall {
  readonly verb: Verb;
  readonly request: Readonly<Record<string, unknown>>;
  readonly call: CarrierCall;
}

/** Takes the place of a call: does something, then lets it through by calling `through`, or not. */
export type Interception = (probed: ProbedCall, through: () => Promise<unknown>) => unknown;

/** A `Lockd` that records its calls and lets a test step in. */
export class ProbedLockd implements Lockd {
  get attachments(): Lockd["attachments"] {
    return this.#inner.attachments;
  }

  get transactions(): Lockd["transactions"] {
    return this.#inner.transactions;
  }

  get queues(): Lockd["queues"] {
    return this.#inner.queues;
  }

  get observation(): Lockd["observation"] {
    return this.#inner.observation;
  }

  get queries(): Lockd["queries"] {
    return this.#inner.queries;
  }

  readonly calls: ProbedCall[] = [];
  closed = 0;
  readonly #inner: Lockd;
  readonly #interceptions: { readonly verb: Verb; readonly run: Interception }[] = [];
  /** The endpoint every call reports. */
  endpoint = "fake://one";

  constructor(inner: Lockd) {
    this.#inner = inner;
  }

  /** The next call of `verb` goes through `run`; several are taken in order. */
  next(verb: Verb, run: Interception): this {
    this.#interceptions.push({ verb, run });
    return this;
  }

  /** The next `count` calls of `verb` fail before they take effect. */
  fail(verb: Verb, error: unknown, count = 1): this {
    for (let i = 0; i < count; i += 1) {
      this.next(verb, () => {
        throw error;
      });
    }
    return this;
  }

  /** The next call of `verb` takes effect and its answer is lost. */
  lose(verb: Verb, error: unknown): this {
    return this.next(verb, async (_probed, through) => {
      await through();
      throw error;
    });
  }

  /** Requests of a verb, in order. */
  requests(verb: Verb): Readonly<Record<string, unknown>>[] {
    return this.calls.filter((call) => call.verb === verb).map((call) => call.request);
  }

  get verbs(): string {
    return this.calls.map((call) => call.verb).join(" ");
  }

  acquire: Lockd["acquire"] = (request, call) =>
    this.#run("acquire", request, { call, through: () => this.#inner.acquire(request, call) });
  keepAlive: Lockd["keepAlive"] = (request, call) =>
    this.#run("keepAlive", request, { call, through: () => this.#inner.keepAlive(request, call) });
  release: Lockd["release"] = (request, call) =>
    this.#run("release", request, { call, through: () => this.#inner.release(request, call) });
  get: Lockd["get"] = (request, call) =>
    this.#run("get", request, { call, through: () => this.#inner.get(request, call) });
  update: Lockd["update"] = (request, body: BodyIn, ...[call]: [LockdCall?]) =>
    this.#run("update", request, { call, through: () => this.#inner.update(request, body, call) });
  mutate: Lockd["mutate"] = (request, call) =>
    this.#run("mutate", request, { call, through: () => this.#inner.mutate(request, call) });
  remove: Lockd["remove"] = (request, call) =>
    this.#run("remove", request, { call, through: () => this.#inner.remove(request, call) });
  updateMetadata: Lockd["updateMetadata"] = (request, call) =>
    this.#run("updateMetadata", request, {
      call,
      through: () => this.#inner.updateMetadata(request, call),
    });
  describe: Lockd["describe"] = (request, call) =>
    this.#run("describe", request, { call, through: () => this.#inner.describe(request, call) });
  status: Lockd["status"] = (request, call) =>
    this.#run("status", request, { call, through: () => this.#inner.status(request, call) });

  close(): Promise<void> {
    this.closed += 1;
    return this.#inner.close();
  }

  async #run<T>(
    verb: Verb,
    request: object,
    how: { readonly call: LockdCall | undefined; readonly through: () => Promise<T> },
  ): Promise<T> {
    const probed: ProbedCall = { verb, request: { ...request }, call: { ...how.call } };
    this.calls.push(probed);
    const at = this.#interceptions.findIndex((entry) => entry.verb === verb);
    const [taken] = at === -1 ? [] : this.#interceptions.splice(at, 1);
    const result = taken === undefined ? how.through() : taken.run(probed, how.through);
    const answer = (await result) as T;
    probed.call.onEndpoint?.(this.endpoint);
    return answer;
  }
}
