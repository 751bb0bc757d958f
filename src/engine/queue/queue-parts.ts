import type { EngineParts } from "../engine-parts.ts";
import type { ExpiredKeys } from "./expired-keys.ts";
import type { Links } from "./links.ts";
import type { MessageIds } from "./message-ids.ts";
import type { MessageShell } from "./message-shell.ts";
import type { MessageStates } from "./message-states.ts";
import type { QueueDirectory } from "./queue-directory.ts";
import type { Unstager } from "./unstager.ts";

/** What the verbs of queues share. */
export interface QueueParts extends EngineParts {
  readonly messages: MessageShell;
  readonly directory: QueueDirectory;
  readonly ids: MessageIds;
  readonly links: Links;
  readonly expiredKeys: ExpiredKeys;
  readonly unstager: Unstager;
  readonly states: MessageStates;
}
