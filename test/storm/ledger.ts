/** What clients of a server that is killed again and again know for sure, and what they do not. */

interface KeyLedger {
  /** Highest token ever answered. */
  token: number;
  /** Last acknowledged commit. */
  version: number;
  value: number;
  /** Values whose commit was asked for and never answered. */
  readonly open: Set<number>;
}

export class Ledger {
  readonly #keys = new Map<string, KeyLedger>();
  acknowledged = 0;
  unknown = 0;

  of(key: string): KeyLedger {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const fresh: KeyLedger = { token: 0, version: 0, value: 0, open: new Set() };
    this.#keys.set(key, fresh);
    return fresh;
  }

  get keys(): readonly string[] {
    return [...this.#keys.keys()];
  }

  granted(key: string, token: number): void {
    const ledger = this.of(key);
    if (token <= ledger.token) throw new Error(`${key}: token ${token} after ${ledger.token}`);
    ledger.token = token;
  }

  /** About to ask for a commit. */
  asked(key: string, value: number): void {
    this.of(key).open.add(value);
  }

  committed(key: string, value: number, version: number): void {
    const ledger = this.of(key);
    if (version <= ledger.version) {
      throw new Error(`${key}: version ${version} committed after ${ledger.version}`);
    }
    ledger.version = version;
    ledger.value = value;
    ledger.open.clear();
    this.acknowledged += 1;
  }

  /** Compares what the store shows with what must and what may be there. */
  check(key: string, found: { readonly version: number; readonly value: number }): void {
    const ledger = this.of(key);
    const acknowledged = found.value === ledger.value && found.version === ledger.version;
    const unanswered = ledger.open.has(found.value) && found.version > ledger.version;
    if (!acknowledged && !unanswered) {
      throw new Error(
        `${key}: found ${JSON.stringify(found)}, acknowledged value ${ledger.value} at version ` +
          `${ledger.version}, unanswered ${[...ledger.open].join(", ")}`,
      );
    }
    if (unanswered) this.unknown += 1;
    ledger.value = found.value;
    ledger.version = found.version;
    ledger.open.clear();
  }
}
