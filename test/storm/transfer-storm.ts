/**
 * Two-key transfers while the server is killed with -9 again and again: no sum may ever change, and
 * every transfer that was answered is there. What a kill cut is told later, by asking.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockdError } from "../../src/api/errors.ts";
import { createClient } from "../../src/client/client.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { LockdClient } from "../../src/client/types.ts";
import { freePort, startServer, untilServing } from "./storm-server.ts";

const accounts = 5;
const startBalance = 100;
const clients = 6;

export interface TransferStorm {
  readonly cycles: number;
  readonly say: (text: string) => void;
}

interface Account {
  readonly balance: number;
  /** Every transfer that touched it. */
  readonly moves: readonly number[];
}

interface Books {
  nextMove: number;
  readonly answered: Set<number>;
  /** Moves of unknown outcome, and the transaction to ask about. */
  readonly unknown: Map<number, string>;
}

function nameOf(at: number): string {
  return `accounts/${at}`;
}

/** One client: moves money until the server is gone. Only lockd's own failures are expected. */
async function lane(client: LockdClient, books: Books): Promise<void> {
  for (;;) {
    const move = books.nextMove;
    books.nextMove += 1;
    const from = Math.floor(Math.random() * accounts);
    const to = (from + 1 + Math.floor(Math.random() * (accounts - 1))) % accounts;
    let txnId = "";
    try {
      await client.transaction(
        async (tx) => {
          ({ txnId } = tx);
          const keys = await tx.acquireAll([nameOf(from), nameOf(to)]);
          for (const [at, key] of keys.entries()) {
            const { balance, moves } = await key.load<Account>();
            const amount = at === 0 ? -(move % 7) : move % 7;
            await key.save({ balance: balance + amount, moves: [...moves.slice(-400), move] });
          }
          books.unknown.set(move, txnId);
        },
        { ttlMs: 2_000, waitMs: 5_000, timeoutMs: 8_000 },
      );
      books.unknown.delete(move);
      books.answered.add(move);
    } catch (error) {
      if (!(error instanceof LockdError)) throw error;
      if (!error.outcomeUnknown) return;
      return;
    }
  }
}

async function check(client: LockdClient, books: Books): Promise<void> {
  const seen = new Map<number, number>();
  let total = 0;
  for (let at = 0; at < accounts; at += 1) {
    const { balance, moves } = await client.load<Account>(nameOf(at));
    total += balance;
    for (const move of moves) seen.set(move, (seen.get(move) ?? 0) + 1);
  }
  if (total !== accounts * startBalance) throw new Error(`the total is ${total}`);
  for (const [move, count] of seen) {
    if (count !== 2) throw new Error(`transfer ${move} is on ${count} of its 2 accounts`);
    if (!books.answered.has(move) && !books.unknown.has(move)) {
      throw new Error(`transfer ${move} was refused, and is there`);
    }
  }
  for (const move of books.answered) {
    if (!seen.has(move)) throw new Error(`transfer ${move} was answered, and is missing`);
  }
}
