import type { AttachmentInfo as WireInfo } from "../api/attachments.ts";
import { LockdConfigError } from "../api/errors.ts";
import type { BodyOutStream, LeaseAddress, Lockd } from "../api/lockd.ts";
import type {
  AttachmentBody,
  AttachmentInfo,
  AttachmentReader,
  AttachmentSelector,
} from "./attachment-types.ts";
import type { CarrierCall } from "./carrier-call.ts";
import { ReadOnceBody } from "./once-body.ts";
import type { Call } from "./types.ts";
import { verifiedBody } from "./verified-body.ts";

/** How the attachments of one key are read. */
export interface ReadAccess {
  readonly lockd: Lockd;
  readonly address: () => LeaseAddress & { readonly public?: boolean };
  readonly carrierCall: (o: Call | undefined) => CarrierCall;
  /** Runs a read; sessions check that they are open. */
  readonly guarded: <T>(operation: string, work: () => Promise<T>) => Promise<T>;
  /** Told of each opened body; gives the body to hand out. */
  readonly opened: (body: BodyOutStream) => BodyOutStream;
}

/** Lists and downloads, with every byte checked. */
export class AttachmentReads implements AttachmentReader {
  readonly #access: ReadAccess;

  constructor(access: ReadAccess) {
    this.#access = access;
  }

  list(o?: Call): Promise<AttachmentInfo[]> {
    const { lockd, address, carrierCall, guarded } = this.#access;
    return guarded("list attachments", async () => {
      const { attachments } = await lockd.attachments.list(address(), carrierCall(o));
      return attachments.map(attachmentInfo);
    });
  }

  retrieve(s: AttachmentSelector, o?: Call): Promise<AttachmentBody> {
    const { lockd, address, carrierCall, guarded, opened } = this.#access;
    return guarded("retrieve an attachment", async () => {
      const request = { ...address(), ...checkedSelector(s) };
      const { attachment, body } = await lockd.attachments.retrieve(request, carrierCall(o));
      return new OpenedAttachment(opened(verifiedBody(body, attachment)), attachment);
    });
  }

  async *retrieveAll(o?: Call): AsyncGenerator<AttachmentBody> {
    for (const { id, name } of await this.list(o)) {
      await using body = await this.retrieve({ id, name }, o);
      yield body;
    }
  }
}

class OpenedAttachment extends ReadOnceBody implements AttachmentBody {
  readonly info: AttachmentInfo;

  constructor(body: BodyOutStream, info: WireInfo) {
    super(body, info.size);
    this.info = attachmentInfo(info);
  }
}

export function attachmentInfo(info: WireInfo): AttachmentInfo {
  const { id, name, size, sha256, contentType, createdAtUnix, updatedAtUnix } = info;
  return {
    id,
    name,
    size,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(contentType === "" ? {} : { contentType }),
    ...(createdAtUnix === 0 ? {} : { createdAt: new Date(createdAtUnix * 1_000) }),
    ...(updatedAtUnix === 0 ? {} : { updatedAt: new Date(updatedAtUnix * 1_000) }),
  };
}

/** @throws LockdConfigError when it selects nothing */
export function checkedSelector({ id, name }: AttachmentSelector): AttachmentSelector {
  const given = (text: string | undefined): boolean => text !== undefined && text.trim() !== "";
  if (given(id) || given(name)) return { id, name } as AttachmentSelector;
  throw new LockdConfigError("missing_attachment", "select an attachment by its name or its id");
}
