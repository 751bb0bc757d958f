import type { GarbageCollector } from "./garbage.ts";
import type { EngineOptions } from "./options.ts";
import type { RecordShell } from "./record/record-shell.ts";

/** What the faces of one engine (keys, attachments, queries, queues, transactions) share. */
export interface EngineParts {
  readonly options: EngineOptions;
  readonly shell: RecordShell;
  readonly garbage: GarbageCollector;
  /** Throws `shutdown_draining` while draining. */
  readonly refuseWhenDraining: () => void;
}
