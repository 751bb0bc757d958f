/** One run of the bank: nodes, customers, tellers, auditors, faults; then peace, and the checks. */
import { messagePrefix } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { recordName, recordPrefix } from "../../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../../src/engine/record/record-codec.ts";
import { decodeMarker } from "../../../src/engine/txn/txn-codec.ts";
import { markerPrefix } from "../../../src/engine/txn/txn-record.ts";
import { Cluster } from "../cluster.ts";
import { drawFaults, type FaultKind, Faults } from "../faults.ts";
import { leftoversIn } from "../leftovers.ts";
import type { Mutant } from "../mutant.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { Auditor, expectedStatement } from "./auditor.ts";
import { type Account, accountOf, type BankParts, type Books, emptyBooks } from "./book.ts";
import { BankChecks } from "./checks.ts";
import { Customer } from "./customer.ts";
import { SettlementWatch } from "./settlement-watch.ts";
import { Teller } from "./teller.ts";

export interface BankReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly operations: number;
  readonly storeCalls: number;
  readonly attempts: number;
  readonly committed: number;
  readonly audits: number;
  /** Orders carried out twice because a commit came too late for its message. */
  readonly repeated: number;
  /** Orders acknowledged unseen, because a dequeue reached lockd twice. */
  readonly unseen: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
}

export interface BankOptions {
  readonly mutant?: Mutant;
  readonly trace?: boolean;
}

/** Virtual milliseconds the clients get, and what is hung or leased after them. */
const workMsMax = 30 * 60_000;
const settleMs = 120_000;
const drainMsMax = 20 * 60_000;
/** Beyond the age at which the sweeper takes bytes that nothing points at for nobody's. */
const orphanMs = 20 * 60_000;
const ordersAll = 14;
/** Numbers of clients whose transactions must not meet those of others. */
const drainNumber = 90;

export class BankWorld {
  readonly #seed: number;
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;
  readonly #accounts: readonly string[];
  readonly #atomicPlan: boolean;
  readonly #clockFaults: boolean;
  readonly #books: Books = emptyBooks();

  constructor(seed: number, options: BankOptions) {
    this.#seed = seed;
    const rng = new Rng(seed, "bank world");
    this.#rng = rng;
    const exclusive = rng.chance(0.45);
    const atomicPlan = rng.chance(0.5);
    const clockFaults = rng.chance(0.2);
    this.#atomicPlan = atomicPlan;
    this.#clockFaults = clockFaults;
    this.#accounts = Array.from({ length: rng.pick([2, 3, 4]) }, (_, at) => `acct${at}`);
    const trace = new Trace(options.trace ?? false);
    const scheduler = new Scheduler(rng.fork("ties"));
    this.#scheduler = scheduler;
    const rates = drawFaults(rng.fork("rates"), { exclusive, clockFaults });
    const faults = new Faults(rng.fork("faults"), rates);
    const kind = { exclusive, atomicPlan, clockFaults, mutant: options.mutant };
    this.#cluster = new Cluster({ rng, scheduler, faults, trace, ...kind });
  }

  /** Everybody does their work among faults, which stop then. */
  async work(): Promise<void> {
    const rng = this.#rng;
    const cluster = this.#cluster;
    cluster.disturb();
    const customers = rng.pick([1, 2]);
    const tellers = rng.pick([1, 2, 3]);
    const clients: { run(): Promise<void> }[] = [];
    const parts = (rounds: number) => this.#partsOf(clients.length, rounds);
    for (let at = 0; at < customers; at += 1) {
      clients.push(new Customer(parts(Math.ceil(ordersAll / customers))));
    }
    for (let at = 0; at < tellers; at += 1) {
      clients.push(new Teller(parts(Math.ceil((ordersAll * 1.5) / tellers))));
    }
    clients.push(new Auditor(parts(12), this.#atomicPlan));
    const watched = { truth: cluster.truth, scheduler: this.#scheduler };
    const watch = new SettlementWatch(watched, (text) => cluster.violate("B03 orders", text));
    if (!this.#clockFaults) watch.start();
    await cluster.runAll(clients, workMsMax);
    await cluster.peace(settleMs);
    watch.stop();
  }

  /** Nothing fails any more: every order is carried out, everything comes to its end. */
  async converge(): Promise<void> {
    const until = this.#scheduler.now + drainMsMax;
    for (let round = 0; this.#openOrders() > 0; round += 1) {
      if (this.#scheduler.now > until) {
        this.#cluster.violate("P11 progress", `${this.#openOrders()} orders cannot be carried out`);
        break;
      }
      const teller = new Teller(this.#partsOf(drainNumber + round, 20));
      await this.#cluster.runAll([teller], drainMsMax);
    }
    const cluster = this.#cluster;
    await cluster.pass(settleMs);
    await cluster.sweepAll(2, 5_000);
    await cluster.pass(orphanMs);
    await cluster.sweepAll(2, 5_000);
    cluster.checkTimers();
  }

  async report(): Promise<BankReport> {
    const accounts = this.#storedAccounts();
    await this.#checkStatements(accounts);
    this.#checkLeftovers();
    this.#cluster.checkOutcomes();
    const rightClocks = !this.#clockFaults;
    const end = { accounts, ackedBy: this.#ackedBy(), rightClocks };
    const verdict = new BankChecks(this.#books, end).run();
    return {
      seed: this.#seed,
      violations: [...this.#cluster.violations, ...verdict.violations],
      ...this.#cluster.facts(),
      attempts: this.#books.attempts.length,
      committed: verdict.committed,
      audits: this.#books.audits.length,
      repeated: verdict.repeated,
      unseen: verdict.unseen,
    };
  }

  #partsOf(number: number, rounds: number): BankParts {
    return {
      name: `c${number}`,
      number,
      accounts: this.#accounts,
      nodes: this.#cluster.nodes,
      wire: this.#cluster.wire,
      scheduler: this.#scheduler,
      rng: this.#rng.fork(`client ${number}`),
      books: this.#books,
      rounds,
      pauseMs: this.#rng.pick([5, 100, 400]),
    };
  }

  /** Messages that somebody may still take; half enqueued ones nobody was told about. */
  #openOrders(): number {
    return this.#cluster.truth
      .objects(messagePrefix)
      .filter(({ name, bytes }) => !decodeMessage(name, bytes).message.unlinked).length;
  }

  #storedAccounts(): ReadonlyMap<string, Account> {
    return new Map(
      this.#accounts.map((key) => {
        const name = recordName("default", key);
        const stored = this.#cluster.truth.durable.get(name);
        const state = stored && decodeRecord(name, stored.bytes).record.state;
        return [key, accountOf(state?.place.kind === "inline" ? state.place.bytes : undefined)];
      }),
    );
  }

  /** Markers outlive the run, so every message of a committed transaction is in one. */
  #ackedBy(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, readonly string[]>();
    for (const { name, bytes } of this.#cluster.truth.objects(markerPrefix)) {
      const { txnId, state, participants } = decodeMarker(name, bytes);
      if (state !== "commit") continue;
      for (const { key } of participants) {
        const messageId = key.split("/msg/")[1];
        if (messageId === undefined) continue;
        found.set(messageId, [...(found.get(messageId) ?? []), txnId]);
      }
    }
    return found;
  }

  /** Each account has exactly the statement of its last change, byte for byte. */
  async #checkStatements(accounts: ReadonlyMap<string, Account>): Promise<void> {
    for (const { name, bytes } of this.#cluster.truth.objects(recordPrefix)) {
      const { attachments } = decodeRecord(name, bytes).record;
      const key = this.#accounts.find((one) => recordName("default", one) === name);
      const account = accounts.get(key ?? "");
      if (account === undefined) continue;
      const found = attachments.map((entry) => {
        const stored = this.#cluster.truth.streams.get(entry.object) ?? new Uint8Array(0);
        return `${entry.name}: ${Buffer.from(stored).toString()}`;
      });
      const expected = account.marks.length === 0 ? [] : [expectedStatement(account)];
      if (JSON.stringify(found) !== JSON.stringify(expected)) {
        this.#cluster.violate(
          "B02 statements",
          `${key} has ${found.join(" | ")}: ${expected.join("")}`,
        );
      }
    }
  }

  /** Markers are kept longer than the run: late callers are told what was decided. */
  #checkLeftovers(): void {
    const objects = this.#cluster.truth
      .objects("")
      .filter(({ name }) => !name.startsWith(markerPrefix));
    for (const text of leftoversIn({ objects, streams: this.#cluster.truth.streamNames("") })) {
      this.#cluster.violate("P11 leftovers", text);
    }
  }
}

/** Runs one seed to its end and checks it. */
export async function runBankSeed(seed: number, options: BankOptions = {}): Promise<BankReport> {
  const uninstall = options.mutant?.install?.();
  try {
    const world = new BankWorld(seed, options);
    await world.work();
    await world.converge();
    return await world.report();
  } finally {
    uninstall?.();
  }
}
