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
import type { BodyIn, LeaseAddress } from "../api/lockd.ts";
import * as wire from "./attachment-wire.ts";
import type { CarrierCall } from "./carrier-call.ts";
import type { HttpCarrier } from "./http-carrier.ts";
import { OutgoingBody } from "./outgoing-body.ts";

/** Attachments over HTTP; bodies are streamed both ways and never kept. */
export class HttpAttachments implements Attachments {
  readonly #carrier: HttpCarrier;

  constructor(carrier: HttpCarrier) {
    this.#carrier = carrier;
  }

  /** Goes to another endpoint only while the body can still be sent whole. */
  async attach(
    request: AttachRequest,
    body: BodyIn,
    call: CarrierCall = {},
  ): Promise<AttachResult> {
    const carried = wire.attachCall(request, new OutgoingBody(body));
    return await this.#carrier.attempt(carried, this.#carrier.begin(call), (answer) =>
      wire.attachResult(answer, request.fencingToken),
    );
  }

  async list(request: ListAttachmentsRequest, call: CarrierCall = {}): Promise<AttachmentList> {
    const carried = wire.listCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(carried, this.#carrier.begin(call), wire.attachmentList);
  }

  async retrieve(
    request: RetrieveAttachmentRequest,
    call: CarrierCall = {},
  ): Promise<RetrievedAttachment> {
    const carried = wire.retrieveCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(carried, this.#carrier.begin(call), (answer) =>
      wire.retrievedAttachment(answer, request),
    );
  }

  async delete(
    request: DeleteAttachmentRequest,
    call: CarrierCall = {},
  ): Promise<DeleteAttachmentResult> {
    const carried = wire.deleteCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(carried, this.#carrier.begin(call), (answer) =>
      wire.deleteResult(answer, request.fencingToken),
    );
  }

  async deleteAll(
    request: LeaseAddress,
    call: CarrierCall = {},
  ): Promise<DeleteAllAttachmentsResult> {
    const carried = wire.deleteAllCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(carried, this.#carrier.begin(call), (answer) =>
      wire.deleteAllResult(answer, request.fencingToken),
    );
  }

  /** Until the answer, or the head of a streamed one, is there. */
  get #tryLimitMs(): number {
    return this.#carrier.options.httpTimeoutMs;
  }
}
