/** Randomness and identifiers. Seeded in the simulator, so a run can be replayed. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** A fresh xid: 20 characters of lower-case base32hex, unique in this process for ever. */
  xid(): string;
  /** A fresh UUIDv7 in canonical lower-case text. */
  uuid(): string;
}
