import type { ServedLockd } from "../../../src/api/lockd.ts";
import type { Queues } from "../../../src/api/queues.ts";
import { clientOver } from "../../../src/client/client.ts";
import type { LockdClient, SessionOptions } from "../../../src/client/types.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { testEngine } from "../../support/test-engine.ts";

type Verb = keyof Queues;

export interface QueueCall {
  readonly verb: Verb;
  readonly request: Readonly<Record<string, unknown>>;
  readonly correlationId: string | undefined;
}

export interface QueueFixture {
  readonly client: LockdClient;
  readonly clock: ManualClock;
  /** Every call of a queue verb, in order. */
  readonly calls: QueueCall[];
  verbs(): string;
  requests(verb: Verb): Readonly<Record<string, unknown>>[];
  /** The next `count` calls of the verb reject before they take effect. */
  fail(verb: Verb, error: unknown, count?: number): void;
  /** The next call of the verb takes effect and its answer is lost. */
  lose(verb: Verb, error: unknown): void;
  /** What is stored under names that begin so is damaged from now on. */
  damage(prefix: string): void;
}

interface Accident {
  readonly verb: Verb;
  readonly error: unknown;
  readonly takesEffect: boolean;
}

/** A client over an engine in memory whose time stands still; its queue calls are recorded. */
export function queueFixture(options: SessionOptions = {}): QueueFixture {
  const { engine, clock, store } = testEngine();
  const calls: QueueCall[] = [];
  const accidents: Accident[] = [];
  const queues = new Proxy<Queues>(engine.queues, {
    get(target, verb: Verb) {
      return async (...given: unknown[]): Promise<unknown> => {
        const [request] = given as [object];
        const call = given[verb === "enqueue" ? 2 : 1] as { correlationId?: string } | undefined;
        calls.push({ verb, request: { ...request }, correlationId: call?.correlationId });
        const at = accidents.findIndex((accident) => accident.verb === verb);
        const [accident] = at === -1 ? [] : accidents.splice(at, 1);
        if (accident !== undefined && !accident.takesEffect) throw accident.error;
        const run = target[verb] as (...args: unknown[]) => Promise<unknown>;
        const result = await run.apply(target, given);
        if (accident !== undefined) throw accident.error;
        return result;
      };
    },
  });
  const lockd = withQueues(engine, queues);
  const client = clientOver(() => lockd, { clock, random: { fraction: () => 0.5 }, ...options });
  return {
    client,
    clock,
    calls,
    verbs: () => calls.map(({ verb }) => verb).join(" "),
    requests: (verb) => calls.filter((call) => call.verb === verb).map(({ request }) => request),
    fail: (verb, error, count = 1) => {
      for (let i = 0; i < count; i += 1) accidents.push({ verb, error, takesEffect: false });
    },
    lose: (verb, error) => void accidents.push({ verb, error, takesEffect: true }),
    damage: (prefix) => {
      for (const [name, { bytes, tag }] of store.objects) {
        if (name.startsWith(prefix)) store.objects.set(name, { bytes: bytes.slice(0, -1), tag });
      }
    },
  };
}

function withQueues(engine: ServedLockd, queues: Queues): ServedLockd {
  return new Proxy(engine, {
    get(target, name) {
      if (name === "queues") return queues;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** What a queue holds as a stranger sees it: the next message, put back at once. */
export async function peek(client: LockdClient, queue: string) {
  const message = await client.dequeue(queue, { owner: "peeker", waitMs: "none" });
  if (message === null) return null;
  const text = await message.payload.text();
  const { attempts, failureAttempts, messageId } = message;
  await message.defer();
  return { text, attempts, failureAttempts, messageId };
}

/** Everything an iterable has to say. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
