import type {
  AttachmentList,
  Attachments,
  AttachRequest,
  AttachResult,
  DeleteAllAttachmentsResult,
  DeleteAttachmentRequest,
  DeleteAttachmentResult,
  ListAttachmentsRequest,
  RetrieveAttachmentRequest,
  RetrievedAttachment,
} from "../api/attachments.ts";
import type { BodyIn, LeaseAddress, LockdCall } from "../api/lockd.ts";
import { OutgoingBody } from "../client/outgoing-body.ts";
import type { LocalCarrier } from "./local-carrier.ts";

/** Attachments in a store on this machine, through whoever owns it or in this process. */
export class LocalAttachments implements Attachments {
  readonly #carrier: LocalCarrier;

  constructor(carrier: LocalCarrier) {
    this.#carrier = carrier;
  }

  /** Repeated only while the body can still be sent whole. */
  attach(request: AttachRequest, body: BodyIn, call?: LockdCall): Promise<AttachResult> {
    const outgoing = new OutgoingBody(body);
    return this.#carrier.start(call, {
      operation: "attach",
      changes: true,
      repeatable: () => outgoing.sendable,
      run: (lockd, limited) =>
        lockd.attachments.attach(request, outgoing.replayable ? body : outgoing.open(), limited),
    });
  }

  list(request: ListAttachmentsRequest, call?: LockdCall): Promise<AttachmentList> {
    return this.#carrier.read("list attachments", call, (lockd, limited) =>
      lockd.attachments.list(request, limited),
    );
  }

  retrieve(request: RetrieveAttachmentRequest, call?: LockdCall): Promise<RetrievedAttachment> {
    return this.#carrier.read("retrieve attachment", call, (lockd, limited) =>
      lockd.attachments.retrieve(request, limited),
    );
  }

  delete(request: DeleteAttachmentRequest, call?: LockdCall): Promise<DeleteAttachmentResult> {
    return this.#carrier.change("delete attachment", call, (lockd, limited) =>
      lockd.attachments.delete(request, limited),
    );
  }

  deleteAll(request: LeaseAddress, call?: LockdCall): Promise<DeleteAllAttachmentsResult> {
    return this.#carrier.change("delete attachments", call, (lockd, limited) =>
      lockd.attachments.deleteAll(request, limited),
    );
  }
}
