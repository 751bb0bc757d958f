/** Seeded client programs: take a key, work with it, end the lease in one of many ways. */

import { type Answer, type LeaseRef, sha256 } from "./answer.ts";
import type { Belief, Beliefs } from "./beliefs.ts";
import { type AcquireCall, type Call, type Outcome, uniqueState } from "./calls.ts";
import type { Network } from "./network.ts";
import type { SimNode } from "./node.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";
import { epochMs } from "./sim-clock.ts";

export interface ClientParts {
  readonly name: string;
  readonly keys: readonly string[];
  readonly nodes: readonly SimNode[];
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly beliefs: Beliefs;
  /** Calls this client may make. */
  readonly callsMax: number;
  readonly clockFaults: boolean;
  /** Whether it works with attachments too. */
  readonly files: boolean;
  /** Mean of the pauses between two sessions, in milliseconds. */
  readonly pauseMs: number;
}

/** Milliseconds a client listens for the answer of a call that does not wait. */
const callTimeoutMs = 8_000;
/** Milliseconds of patience of a caller that waits for ever, as it says. */
const foreverPatienceMs = 15_000;

/** Few, so that uploads meet each other. */
const fileNames = ["a", "b", "c"] as const;

interface Session {
  readonly lease: LeaseRef;
  readonly belief: Belief;
  readonly ttlSeconds: number;
  /** The effective version and etag as this client knows them; undefined: it does not. */
  version: number | undefined;
  etag: string | undefined;
}

export class Client {
  readonly #parts: ClientParts;
  #calls = 0;
  #values = 0;
  #home: SimNode;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#home = parts.rng.pick(parts.nodes);
  }

  /** Runs to the end of its budget; ends by itself because every call does. */
  async run(): Promise<void> {
    const { rng, scheduler, pauseMs, callsMax } = this.#parts;
    while (this.#calls < callsMax) {
      await scheduler.sleep(rng.between(0, pauseMs * 2));
      const what = rng.weighted({ session: 6, read: 2, status: 1 });
      const key = rng.pick(this.#parts.keys);
      if (what === "session") await this.#session(key);
      else if (what === "read" && this.#parts.files && rng.chance(0.5)) {
        await this.#look(key, undefined);
      } else if (what === "read") await this.#call({ verb: "get", key, lease: undefined });
      else await this.#call({ verb: "status", key });
    }
  }

  async #session(key: string): Promise<void> {
    const { rng, scheduler, beliefs } = this.#parts;
    const ttlSeconds = rng.pick([2, 3, 5, 5, 10, 20]);
    const call: AcquireCall = {
      verb: "acquire",
      key,
      owner: this.#parts.name,
      ttlSeconds,
      blockSeconds: rng.pick([-1, -1, -1, 1, 3, 8, 0]),
      ifNotExists: rng.chance(0.05),
      returnState: rng.chance(0.4),
    };
    const sentMs = scheduler.now;
    const patienceMs = call.blockSeconds === 0 ? foreverPatienceMs : callTimeoutMs;
    const outcome = await this.#call(call, patienceMs + Math.max(0, call.blockSeconds) * 1000);
    if (outcome.kind !== "ok" || outcome.answer.lease === undefined) return;
    const { answer } = outcome;
    const { lease } = outcome.answer;
    const belief = beliefs.begin({
      key,
      token: lease.fencingToken,
      leaseId: lease.leaseId,
      fromMs: scheduler.now,
      untilMs: this.#believedUntil(outcome.answer, sentMs, ttlSeconds),
    });
    const { version, etag } = answer;
    await this.#work({ lease, belief, ttlSeconds, version, etag });
  }

  async #work(session: Session): Promise<void> {
    const { rng, scheduler } = this.#parts;
    const actions = rng.below(5);
    for (let action = 0; action < actions; action += 1) {
      if (this.#parts.files && rng.chance(0.3)) {
        await this.#workOnFiles(session);
        continue;
      }
      const what = rng.weighted({ update: 5, get: 2, keep: 2, remove: 1, write: 3, sleep: 2 });
      if (what === "update") await this.#update(session, false);
      else if (what === "get") await this.#readBack(session);
      else if (what === "keep") await this.#keepAlive(session);
      else if (what === "remove") await this.#remove(session);
      else if (what === "write") this.#write(session);
      else await scheduler.sleep(rng.between(0, rng.chance(0.2) ? 6_000 : 300));
    }
    this.#write(session);
    const end = rng.weighted({ commit: 5, fused: 3, rollback: 2, vanish: 1 });
    // From the moment it asks to end the lease a client no longer believes in it.
    if (end !== "vanish") this.#disbelieve(session);
    if (end === "commit" || end === "rollback") await this.#release(session, end === "rollback");
    if (end === "fused") await this.#update(session, true);
  }

  async #update(session: Session, fused: boolean): Promise<void> {
    const { rng, name } = this.#parts;
    this.#values += 1;
    const body = uniqueState(`${name}.${this.#values}`, rng.chance(0.06));
    const { lease } = session;
    const etag = sha256(body);
    const cas = this.#condition(session);
    const call: Call = { verb: "update", key: lease.key, lease, cas, body, etag, fused };
    let outcome = await this.#call(call);
    // An answer that was lost: the very same call again, perhaps through another node.
    for (let retry = 0; retry < 2 && isUnknown(outcome) && rng.chance(0.6); retry += 1) {
      outcome = await this.#call(call);
    }
    learn(session, outcome);
  }

  /** A condition that holds as far as the client knows, one that does not, or none. */
  #condition(session: Session): { ifVersion?: number; ifStateEtag?: string } {
    const { rng } = this.#parts;
    if (rng.chance(0.05)) return { ifVersion: 1_000_000 };
    if (rng.chance(0.03)) return { ifStateEtag: "0".repeat(64) };
    if (session.version !== undefined && rng.chance(0.4)) return { ifVersion: session.version };
    const { etag } = session;
    if (etag !== undefined && etag !== "" && rng.chance(0.2)) return { ifStateEtag: etag };
    return {};
  }

  async #remove(session: Session): Promise<void> {
    const { lease } = session;
    const cas = this.#condition(session);
    const outcome = await this.#call({ verb: "remove", key: lease.key, lease, cas });
    learn(session, outcome);
    if (outcome.kind === "ok") session.etag = undefined;
  }

  async #workOnFiles(session: Session): Promise<void> {
    const { rng, name: client } = this.#parts;
    const { lease } = session;
    const { key } = lease;
    const name = rng.pick(fileNames);
    const what = rng.weighted({ attach: 5, detach: 2, clear: 1, look: 2 });
    if (what === "look") return this.#look(key, rng.chance(0.3) ? undefined : lease);
    this.#values += 1;
    const body = Buffer.from(`${client}.${this.#values}.${name}`);
    const preventOverwrite = rng.chance(0.15);
    const call: Call =
      what === "attach"
        ? { verb: "attach", key, lease, name, body, sha256: sha256(body), preventOverwrite }
        : { verb: "detach", key, lease, name: what === "clear" ? undefined : name };
    let outcome = await this.#call(call);
    if (isUnknown(outcome) && rng.chance(0.6)) outcome = await this.#call(call);
    // A list soon tells what became of it, and the checker need not carry both on for long.
    if (isUnknown(outcome)) await this.#call({ verb: "files", key, lease });
    // The state's etag is what it was; of the version either one is accepted afterwards.
    if (outcome.kind === "ok") session.version = outcome.answer.version;
    else if (isUnknown(outcome)) session.version = undefined;
  }

  /** A list, or one attachment, as the holder sees it or as everybody does. */
  async #look(key: string, lease: LeaseRef | undefined): Promise<void> {
    const { rng } = this.#parts;
    if (rng.chance(0.5)) await this.#call({ verb: "files", key, lease });
    else await this.#call({ verb: "readFile", key, lease, name: rng.pick(fileNames) });
  }

  async #readBack(session: Session): Promise<void> {
    const isPublic = this.#parts.rng.chance(0.3);
    const { lease } = session;
    await this.#call({ verb: "get", key: lease.key, lease: isPublic ? undefined : lease });
  }

  async #keepAlive(session: Session): Promise<void> {
    const { lease, ttlSeconds, belief } = session;
    const sentMs = this.#parts.scheduler.now;
    const outcome = await this.#call({ verb: "keepAlive", key: lease.key, lease, ttlSeconds });
    if (outcome.kind !== "ok" || this.#parts.scheduler.now >= belief.untilMs) return;
    const untilMs = this.#believedUntil(outcome.answer, sentMs, ttlSeconds);
    belief.untilMs = Math.max(belief.untilMs, untilMs);
  }

  /** Where clocks are right: what the server says. Else counted from the moment of asking. */
  #believedUntil(answer: Answer, sentMs: number, ttlSeconds: number): number {
    const { expiresAtUnix } = answer;
    const trusted = !this.#parts.clockFaults && expiresAtUnix !== undefined;
    return trusted ? expiresAtUnix * 1000 - epochMs : sentMs + (ttlSeconds - 1) * 1000;
  }

  async #release(session: Session, rollback: boolean): Promise<void> {
    const { rng } = this.#parts;
    const { lease } = session;
    const call: Call = { verb: "release", key: lease.key, lease, rollback };
    let outcome = await this.#call(call);
    for (let retry = 0; retry < 2 && isUnknown(outcome) && rng.chance(0.6); retry += 1) {
      outcome = await this.#call(call);
    }
  }

  /** An effect guarded by the lease, on its way for a while; only made while it is believed. */
  #write(session: Session): void {
    const { rng, scheduler, beliefs } = this.#parts;
    const { belief } = session;
    if (scheduler.now >= belief.untilMs) return;
    const delayMs = rng.chance(0.1) ? rng.between(0, 8_000) : rng.between(0, 5);
    scheduler.after(delayMs, () => beliefs.write(belief, scheduler.now));
  }

  #disbelieve({ belief }: Session): void {
    belief.untilMs = Math.min(belief.untilMs, this.#parts.scheduler.now);
  }

  async #call(call: Call, timeoutMs = callTimeoutMs): Promise<Outcome> {
    const { rng, network, nodes } = this.#parts;
    this.#calls += 1;
    if (rng.chance(0.1)) this.#home = rng.pick(nodes);
    const outcome = await network.call(this.#home, call, timeoutMs);
    if (outcome.kind === "failed" && outcome.code === "transport") this.#home = rng.pick(nodes);
    return outcome;
  }
}

function isUnknown(outcome: Outcome): boolean {
  return outcome.kind === "failed" && outcome.unknown;
}

function learn(session: Session, outcome: Outcome): void {
  if (outcome.kind === "ok") {
    session.version = outcome.answer.version;
    session.etag = outcome.answer.etag;
  } else if (isUnknown(outcome)) {
    session.version = undefined;
    session.etag = undefined;
  }
}
