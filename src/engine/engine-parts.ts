import type { GarbageCollector } from "./garbage.ts";
import type { ChangeDraft } from "./observe/record-changes.ts";
import type { EngineOptions } from "./options.ts";
import type { RecordShell } from "./record/record-shell.ts";
import type { EngineTransactions } from "./txn/engine-transactions.ts";

/** What the faces of one engine (keys, attachments, queries, queues, transactions) share. */
export interface EngineParts {
  readonly options: EngineOptions;
  readonly shell: RecordShell;
  readonly garbage: GarbageCollector;
  readonly transactions: EngineTransactions;
  /** Throws `shutdown_draining` while draining. */
  readonly refuseWhenDraining: () => void;
  /** Tells whoever watches; what is to be told is only made when somebody does. */
  readonly publish: (make: () => ChangeDraft | undefined) => void;
}
