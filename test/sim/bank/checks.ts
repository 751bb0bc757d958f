/**
 * What must hold of the bank when everything has come to its end. One order of all transactions and
 * audits explains every account; the total never changes; every order was carried out, and once -
 * unless its message was delivered again because a commit came too late for the message's lease,
 * which the contract allows (transactions-and-islands.md section 6.2) and the checks count.
 */
import { checkLists } from "../txn/checks.ts";
import { Precedence } from "../txn/precedence.ts";
import type { Violation } from "../violation.ts";
import { type Account, type BankAttempt, type Books, startBalance } from "./book.ts";

export interface BankEnd {
  readonly accounts: ReadonlyMap<string, Account>;
  /** Transactions that are remembered as committed, by the messages that took part in them. */
  readonly ackedBy: ReadonlyMap<string, readonly string[]>;
  /** Clocks were right, so that instants of answers and of leases can be compared. */
  readonly rightClocks: boolean;
}

export interface BankVerdict {
  readonly violations: readonly Violation[];
  /** Transactions that are in the accounts. */
  readonly committed: number;
  /** Orders carried out more than once because a commit came too late. */
  readonly repeated: number;
  /** Orders acknowledged unseen: a repeated dequeue took a second message for its transaction. */
  readonly unseen: number;
}

export class BankChecks {
  readonly #books: Books;
  readonly #end: BankEnd;
  readonly #lists: ReadonlyMap<string, readonly string[]>;
  readonly #committed: readonly BankAttempt[];
  readonly #violations: Violation[] = [];
  #repeated = 0;
  #unseen = 0;

  constructor(books: Books, end: BankEnd) {
    this.#books = books;
    this.#end = end;
    this.#lists = new Map([...end.accounts].map(([key, { marks }]) => [key, marks]));
    this.#committed = books.attempts.filter(({ mark, keys }) =>
      keys.some((key) => this.#lists.get(key)?.includes(mark)),
    );
  }

  run(): BankVerdict {
    const { attempts, mismatches } = this.#books;
    this.#violations.push(...checkLists(attempts, this.#lists));
    for (const text of mismatches) this.#violate("B02 statements", text);
    this.#checkTotals();
    this.#checkOrders();
    this.#checkAudits();
    return {
      violations: this.#violations,
      committed: this.#committed.length,
      repeated: this.#repeated,
      unseen: this.#unseen,
    };
  }

  #violate(property: string, text: string): void {
    this.#violations.push({ property, key: "", text, atMs: 0 });
  }

  #checkTotals(): void {
    this.#checkTotal("at the end", this.#end.accounts);
    for (const { mark, kind, accounts } of this.#books.audits) {
      this.#checkTotal(`${kind} audit ${mark}`, accounts);
    }
    for (const [key, account] of this.#end.accounts) {
      let balance = startBalance;
      for (const { order, mark } of this.#committed) {
        if (!account.marks.includes(mark)) continue;
        balance += key === order.from ? -order.amount : order.amount;
      }
      if (balance !== account.balance) {
        this.#violate("B01 conservation", `${key} has ${account.balance} instead of ${balance}`);
      }
    }
  }

  #checkTotal(when: string, accounts: ReadonlyMap<string, Account>): void {
    const total = [...accounts.values()].reduce((sum, { balance }) => sum + balance, 0);
    const expected = accounts.size * startBalance;
    if (total === expected) return;
    this.#violate("B01 conservation", `${when}: the total is ${total} instead of ${expected}`);
  }

  /** By message, because a message that was enqueued is an order, answered or not. */
  #checkOrders(): void {
    const byMessage = new Map<string, BankAttempt[]>();
    for (const messageId of this.#books.ordered.keys()) byMessage.set(messageId, []);
    for (const attempt of this.#books.attempts) {
      const known = byMessage.get(attempt.messageId) ?? [];
      byMessage.set(attempt.messageId, [...known, attempt]);
    }
    for (const [messageId, attempts] of byMessage) this.#checkOrder(messageId, attempts);
  }

  #checkOrder(messageId: string, attempts: readonly BankAttempt[]): void {
    const done = attempts.filter((attempt) => this.#committed.includes(attempt));
    if (done.length === 0) {
      if (this.#isUnseen(messageId)) this.#unseen += 1;
      else this.#violate("B03 orders", `${messageId} is gone and was never carried out`);
    }
    if (done.length > 1) this.#repeated += 1;
    if (!this.#end.rightClocks) return;
    for (const attempt of done) {
      const { settledAt, leaseEndsAt, fencingToken, txnId } = attempt;
      if (settledAt === undefined || settledAt >= leaseEndsAt) continue;
      const again = attempts.find((other) => other.fencingToken > fencingToken);
      if (again === undefined) continue;
      const text = `${messageId} was settled by ${txnId} and delivered again to ${again.txnId}`;
      this.#violate("B03 orders", text);
    }
  }

  /**
   * A dequeue that reaches lockd twice takes two messages for its transaction. Its teller saw one
   * of them and committed; nothing on the wire tells the two requests apart.
   */
  #isUnseen(messageId: string): boolean {
    const committers = this.#end.ackedBy.get(messageId) ?? [];
    return this.#committed.some(
      (attempt) => attempt.messageId !== messageId && committers.includes(attempt.txnId),
    );
  }

  /** Every audit saw a beginning of each list, and has its place in the order of everything. */
  #checkAudits(): void {
    const { audits } = this.#books;
    const order = new Precedence();
    order.inTime([...this.#committed, ...audits]);
    for (const list of this.#lists.values()) {
      for (const [at, mark] of list.entries()) {
        const next = list[at + 1];
        if (next !== undefined) order.edge(mark, next);
      }
    }
    for (const { mark, kind, accounts } of audits) {
      for (const [key, { marks }] of accounts) {
        const list = this.#lists.get(key) ?? [];
        if (marks.some((one, at) => list[at] !== one)) {
          const text = `${kind} audit ${mark} saw ${marks.join(",")} in ${key}: ${list.join(",")}`;
          this.#violate("B04 committed reads", text);
        }
        const last = marks.at(-1);
        const next = list[marks.length];
        if (last !== undefined) order.edge(last, mark);
        if (next !== undefined) order.edge(mark, next);
      }
    }
    const cycle = order.cycle();
    if (cycle !== undefined) this.#violate("B05 strict serializability", cycle.join(" -> "));
  }
}
