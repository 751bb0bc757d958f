/**
 * Two-key transfers while the server is killed with -9 again and again and started anew: the total
 * never changes, every transfer that was answered is there, and none of those that were refused. A
 * commit whose answer a kill cut is decided again by the client, so none stays unknown.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockdError } from "../../src/api/errors.ts";
import { createClient } from "../../src/client/client.ts";
import { withLease } from "../../src/client/free-functions.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { LockdClient } from "../../src/client/types.ts";
import type { KillStorm } from "./kill-storm.ts";
import { freePort, startServer, untilServing } from "./storm-server.ts";

const accounts = 5;
const startBalance = 100;
const clients = 6;

interface Account {
  readonly balance: number;
  /** Every transfer that touched it. */
  readonly moves: readonly number[];
}

/** What the clients know. */
interface Books {
  nextMove: number;
  stopping: boolean;
  readonly answered: Set<number>;
  unknown: number;
  refused: number;
}

function nameOf(at: number): string {
  return `accounts/${at}`;
}

const terms = { ttlMs: 3_000, waitMs: 5_000 };
const backoff = { baseMs: 20, maxMs: 100, jitterMs: 10, failureRetries: -1 };

/** One client; only lockd's own failures are expected. */
async function lane(client: LockdClient, books: Books): Promise<void> {
  while (!books.stopping) {
    const move = books.nextMove;
    books.nextMove += 1;
    const from = Math.floor(Math.random() * accounts);
    const to = (from + 1 + Math.floor(Math.random() * (accounts - 1))) % accounts;
    let committing = false;
    try {
      await client.transaction(async (tx) => {
        const asked = [from, to].map((at) => ({ key: nameOf(at), backoff }));
        const keys = await tx.acquireAll(asked);
        for (const [at, key] of keys.entries()) {
          const { balance, moves } = await key.load<Account>();
          const amount = at === 0 ? -(move % 7) : move % 7;
          await key.save({ balance: balance + amount, moves: [...moves, move] });
        }
        committing = true;
      }, terms);
      books.answered.add(move);
    } catch (error) {
      if (!(error instanceof LockdError)) throw error;
      books.refused += 1;
      if (committing && error.outcomeUnknown) books.unknown += 1;
      await sleep(10);
    }
  }
}

async function check(client: LockdClient, { answered, unknown }: Books): Promise<void> {
  const seen = new Map<number, number>();
  let total = 0;
  for (let at = 0; at < accounts; at += 1) {
    const { balance, moves } = await client.load<Account>(nameOf(at));
    total += balance;
    for (const move of moves) seen.set(move, (seen.get(move) ?? 0) + 1);
  }
  if (total !== accounts * startBalance) throw new Error(`the total is ${total}`);
  if (unknown > 0) throw new Error(`${unknown} transfers stayed unknown`);
  for (const [move, count] of seen) {
    if (count !== 2) throw new Error(`transfer ${move} is on ${count} of its 2 accounts`);
    if (!answered.has(move)) throw new Error(`transfer ${move} was refused, and is there`);
  }
  for (const move of answered) {
    if (!seen.has(move)) throw new Error(`transfer ${move} was answered, and is missing`);
  }
}

async function serving(endpoints: string): Promise<void> {
  const lockd = new HttpLockd({ endpoints, failureRetries: 0 });
  await untilServing(lockd);
  await lockd.close();
}

/** @throws when a total is wrong, or a transfer is half there, missing, or there unasked */
export async function transferStorm({ cycles, say }: KillStorm): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-transfers-"));
  const port = await freePort();
  const endpoints = `http://127.0.0.1:${port}`;
  const client = createClient({ endpoints });
  const books: Books = {
    nextMove: 1,
    stopping: false,
    answered: new Set(),
    unknown: 0,
    refused: 0,
  };
  let server = startServer(directory, port);
  await serving(endpoints);
  for (let at = 0; at < accounts; at += 1) {
    const request = { key: nameOf(at), owner: "storm", ttlMs: 10_000 };
    await withLease(client, request, async (lease) => {
      await lease.save({ balance: startBalance, moves: [] });
    });
  }
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    books.stopping = false;
    const lanes = Array.from({ length: clients }, () => lane(client, books));
    await sleep(150 + Math.random() * 300);
    server.kill("SIGKILL");
    await once(server, "exit");
    books.stopping = true;
    server = startServer(directory, port);
    await serving(endpoints);
    await Promise.all(lanes);
    await check(client, books);
    if ((cycle + 1) % 10 === 0) say(`${cycle + 1} kills, ${books.answered.size} transfers`);
  }
  server.kill("SIGTERM");
  await once(server, "exit");
  await client.close();
  rmSync(directory, { recursive: true });
  return (
    `${cycles} kills, ${books.answered.size} transfers between two keys all whole, ` +
    `${books.refused} given up, none unknown`
  );
}
