/**
 * Accounts and orders: what stands in the keys, their statements and the messages, and what the
 * clients of a run know of each transaction.
 */
import type { CallerParts } from "../caller.ts";
import type { Attempt } from "../txn/client.ts";

/** What every account begins with, before anything is stored in it. */
export const startBalance = 100;

export const ordersQueue = "orders";

/** The state of an account. */
export interface Account {
  readonly balance: number;
  /** Marks of the transactions that changed it, in their order. */
  readonly marks: readonly string[];
}

/** The payload of a message: move `amount` from one account to another. */
export interface Order {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

/** One delivery of an order and the transaction it is carried out in. */
export interface BankAttempt extends Attempt {
  readonly order: Order;
  readonly messageId: string;
  /** Of the message's lease. */
  readonly fencingToken: number;
  readonly deliveredAt: number;
  /** Virtual milliseconds; as answered. */
  readonly leaseEndsAt: number;
  /** When an answer said that the commit is through; undefined: none did. */
  settledAt: number | undefined;
}

/** What somebody read of several accounts, all at one moment as far as lockd promises. */
export interface Audit {
  readonly mark: string;
  readonly kind: "leased" | "public";
  readonly accounts: ReadonlyMap<string, Account>;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** What must be found of a run. */
export interface Books {
  readonly attempts: BankAttempt[];
  readonly audits: Audit[];
  /** Ids of orders whose message was acknowledged, by the ids of their messages. */
  readonly ordered: Map<string, string>;
  /** Statements that did not agree with the state beside them. */
  readonly mismatches: string[];
}

export function emptyBooks(): Books {
  return { attempts: [], audits: [], ordered: new Map(), mismatches: [] };
}

export function accountOf(body: unknown): Account {
  if (!(body instanceof Uint8Array)) return { balance: startBalance, marks: [] };
  return JSON.parse(Buffer.from(body).toString()) as Account;
}

/** After the order: one account gives, the other takes. */
export function moved(account: Account, key: string, { order, mark }: BankAttempt): Account {
  const change = key === order.from ? -order.amount : order.amount;
  return { balance: account.balance + change, marks: [...account.marks, mark] };
}

/** The statement of an account: it repeats the state, under a name that every change changes. */
export function statementName({ marks }: Account): string {
  return `statement-${marks.length % 2}`;
}

export function bytesOf(account: Account): Buffer {
  return Buffer.from(JSON.stringify(account));
}

/** What every client of the bank has. */
export interface BankParts extends CallerParts {
  readonly accounts: readonly string[];
  readonly books: Books;
}
