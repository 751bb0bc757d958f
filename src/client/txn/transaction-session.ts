import { LockdConfigError } from "../../api/errors.ts";
import { Session } from "../session.ts";
import type { SessionCore } from "../session-core.ts";
import type { UpdateResult } from "../types.ts";

/** A key of a transaction: it ends with the transaction and by nothing else. */
export class TransactionSession extends Session {
  constructor(core: SessionCore) {
    super(core, { ownsLease: true, hasHandler: true });
  }

  /** Rejects: the release of one key would decide all of them. */
  override async release(): Promise<void> {
    throw ofTransaction("released");
  }

  override async updateAndRelease(): Promise<UpdateResult> {
    throw ofTransaction("committed");
  }

  override async saveAndRelease(): Promise<UpdateResult> {
    throw ofTransaction("committed");
  }

  /** Does nothing: the transaction ends it. */
  override async close(): Promise<void> {}

  override async [Symbol.asyncDispose](): Promise<void> {}
}

function ofTransaction(what: string): LockdConfigError {
  const message = `a key of a transaction is not ${what} by itself: return from its body, or throw`;
  return new LockdConfigError("invalid_option", message);
}
