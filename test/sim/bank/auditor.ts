/**
 * A seeded auditor: reads all accounts and their statements, and keeps what lockd promises to be of
 * one moment. Exactly that is:
 * - whoever holds the leases of all accounts sees them as of one moment, on every store;
 * - whoever reads them without leases, twice and unchanged, does so on stores with atomic plans.
 *   Elsewhere such a reader may see one account before the other.
 * State and statement of one account always belong together.
 */

import { LockdError } from "../../../src/api/errors.ts";
import type { AcquireResult, Lockd, StateResult } from "../../../src/api/lockd.ts";
import { wholeBody } from "../answer.ts";
import { Caller } from "../caller.ts";
import type { BankParts } from "./book.ts";
import { type Account, accountOf, bytesOf, statementName } from "./book.ts";

/** How an account is addressed: in the name of a lease, or by everybody. */
type Address =
  | { readonly key: string; readonly public: true }
  | {
      readonly key: string;
      readonly leaseId: string;
      readonly fencingToken: number;
      readonly txnId: string;
    };

interface Look {
  readonly account: Account;
  readonly version: number;
}

export class Auditor {
  readonly #parts: BankParts;
  readonly #caller: Caller;
  readonly #seesWhole: boolean;
  #audits = 0;

  /** `seesWhole`: the store's plans are atomic. */
  constructor(parts: BankParts, seesWhole: boolean) {
    this.#parts = parts;
    this.#caller = new Caller(parts);
    this.#seesWhole = seesWhole;
  }

  run(): Promise<void> {
    return this.#caller.rounds(() =>
      this.#parts.rng.chance(0.3) ? this.#leased() : this.#public(),
    );
  }

  async #leased(): Promise<void> {
    const { accounts, rng, name } = this.#parts;
    const txnId = this.#caller.nextTxnId();
    const held: Exclude<Address, { public: true }>[] = [];
    const ttlSeconds = rng.pick([6, 15]);
    for (const key of accounts) {
      const asked = { key, owner: name, txnId, ttlSeconds, blockSeconds: 5 };
      const { leaseId, fencingToken } = await this.#caller.call<AcquireResult>(
        `acquire ${key}`,
        (lockd, signal) => lockd.acquire(asked, { signal }),
      );
      held.push({ key, leaseId, fencingToken, txnId });
    }
    await this.#audit("leased", held);
    for (const lease of held) {
      await this.#caller.call(`release ${lease.key}`, (lockd) => lockd.release(lease));
    }
  }

  async #public(): Promise<void> {
    const addresses = this.#parts.accounts.map((key) => ({ key, public: true as const }));
    await this.#audit("public", addresses);
  }

  /** Two rounds; what is the same in both stood there all the time between them. */
  async #audit(kind: "leased" | "public", addresses: readonly Address[]): Promise<void> {
    const { scheduler, books, name } = this.#parts;
    const beganAt = scheduler.now;
    const first: Look[] = [];
    for (const address of addresses) first.push(await this.#look(address));
    const statements: (string | undefined)[] = [];
    for (const address of addresses) statements.push(await this.#statementOf(address));
    const accounts = new Map<string, Account>();
    for (const [at, address] of addresses.entries()) {
      const { account, version } = await this.#look(address);
      if (version !== first[at]?.version) continue;
      accounts.set(address.key, account);
      const expected = account.marks.length === 0 ? "" : expectedStatement(account);
      const found = statements[at];
      if (found !== undefined && found !== expected) {
        const seen = `${name} saw "${found}" beside version ${version}, ${expected}`;
        books.mismatches.push(`${address.key} at ${beganAt}: ${seen}`);
      }
    }
    if (accounts.size < addresses.length || (kind === "public" && !this.#seesWhole)) return;
    this.#audits += 1;
    const mark = `${name}.${this.#audits}`;
    books.audits.push({ mark, kind, accounts, beganAt, endedAt: scheduler.now });
  }

  async #look(address: Address): Promise<Look> {
    const read = (lockd: Lockd): Promise<StateResult> => lockd.get(address);
    const { exists, body, version } = await this.#caller.call(`look ${address.key}`, read);
    return { account: accountOf(exists ? body : undefined), version };
  }

  /** All statements with their names; undefined when one went away between list and read. */
  async #statementOf(address: Address): Promise<string | undefined> {
    return this.#caller.call(`statement ${address.key}`, async ({ attachments }) => {
      const { attachments: listed } = await attachments.list(address);
      const texts: string[] = [];
      for (const { name, id } of listed) {
        try {
          const { body } = await attachments.retrieve({ ...address, name, id });
          texts.push(`${name}: ${Buffer.from(await wholeBody(body)).toString()}`);
        } catch (error) {
          if (error instanceof LockdError && error.code === "attachment_not_found") {
            return undefined;
          }
          throw error;
        }
      }
      return texts.join("\n");
    });
  }
}

export function expectedStatement(account: Account): string {
  return `${statementName(account)}: ${bytesOf(account).toString()}`;
}
