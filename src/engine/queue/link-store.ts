/** Reading and writing the small records beside messages (`link-records.ts`). */
import type { Precondition, Step, VersionTag } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import {
  type DedupeRecord,
  decodeLink,
  dedupeName,
  dedupeRecordOf,
  encodeLink,
  type GroupRecord,
  groupName,
} from "./link-records.ts";
import type { LinkPorts } from "./links.ts";
import type { Message } from "./message.ts";
import type { MessageAt } from "./message-shell.ts";

export interface Read<Link> {
  readonly link: Link | undefined;
  readonly tag: VersionTag | undefined;
}

export class LinkStore {
  readonly #ports: LinkPorts;

  constructor(ports: LinkPorts) {
    this.#ports = ports;
  }

  group(at: MessageAt, { group }: Message): Promise<Read<GroupRecord>> {
    return this.#read(group === undefined ? undefined : groupName(at, group));
  }

  dedupe(at: MessageAt, { dedupe }: Pick<Message, "dedupe">): Promise<Read<DedupeRecord>> {
    return this.#read(dedupe === undefined ? undefined : dedupeName(at, dedupe.key));
  }

  /** True when the key stands for another message, and still does. */
  standsForOther(
    key: Read<DedupeRecord>,
    { messageId }: Pick<MessageAt, "messageId">,
  ): key is { link: DedupeRecord; tag: VersionTag } {
    const { link } = key;
    if (link === undefined || link.messageId === messageId) return false;
    return link.untilMs > this.#ports.clock.wallMs();
  }

  /** Enters the message under its key, while the key's record is as it was read. */
  dedupeStep(at: MessageAt, message: Message, tag: VersionTag | undefined): Step[] {
    if (message.dedupe === undefined) return [];
    const { random, clock } = this.#ports;
    const enteredMs = clock.wallMs();
    const record = dedupeRecordOf(at.messageId, message, { writeId: random.xid(), enteredMs });
    const name = dedupeName(at, message.dedupe.key);
    return [{ kind: "put", name, bytes: encodeLink(record), when: whenTag(tag) }];
  }

  /** Makes the message the last of its group, while the group's record is as it was read. */
  groupStep(
    at: MessageAt,
    message: Message,
    { tag, appearing }: { tag: VersionTag | undefined; appearing?: GroupRecord["appearing"] },
  ): Step[] {
    if (message.group === undefined) return [];
    const record: GroupRecord = {
      writeId: this.#ports.random.xid(),
      tail: at.messageId,
      ...(appearing === undefined ? {} : { appearing }),
    };
    const name = groupName(at, message.group);
    return [{ kind: "put", name, bytes: encodeLink(record), when: whenTag(tag) }];
  }

  async #read<Link extends GroupRecord | DedupeRecord>(
    name: string | undefined,
  ): Promise<Read<Link>> {
    if (name === undefined) return { link: undefined, tag: undefined };
    return callStore(async () => {
      const stored = await this.#ports.store.get(name);
      if (stored === undefined) return { link: undefined, tag: undefined };
      return { link: decodeLink<Link>(name, stored.bytes), tag: stored.tag };
    });
  }
}

function whenTag(tag: VersionTag | undefined): Precondition {
  return tag === undefined ? { kind: "absent" } : { kind: "tag", tag };
}
