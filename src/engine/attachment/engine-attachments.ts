import type {
  AttachmentInfo,
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
} from "../../api/attachments.ts";
import { failure, LockdError } from "../../api/errors.ts";
import type { BodyIn, LeaseAddress, LockdCall } from "../../api/lockd.ts";
import type { EngineParts } from "../engine-parts.ts";
import type { LeaseClaim } from "../lease/lease-rules.ts";
import { payloadUnnamedMsMax, stateOpenAttemptsMax } from "../limits.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { AttachmentEntry } from "../record/attachment-entry.ts";
import { recordName, stateObjectName } from "../record/key-record.ts";
import type { Transition } from "../record/record-shell.ts";
import { checkWriteClaim } from "../requests/checked.ts";
import { callStore } from "../store-failure.ts";
import {
  type CheckedAttach,
  type CheckedRead,
  checkAttach,
  checkDelete,
  checkRead,
  checkRetrieve,
} from "./checked-attachment.ts";
import { type StoredPayload, takePayload } from "./payload-intake.ts";
import {
  admitUpload,
  findLeased,
  isSelected,
  stageClearing,
  stageDeletion,
  stageUpload,
  type UploadStaged,
} from "./stage-attachment.ts";

const noCall: LockdCall = {};

function nameOf({ namespace, key }: LeaseClaim): string {
  return recordName(namespace, key);
}

function infoOf({ object: _object, ...info }: AttachmentEntry): AttachmentInfo {
  return info;
}

/**
 * Attachments over a store. A payload is written first, under a name of its own, and recorded
 * afterwards: until then nobody can find it, and whatever goes wrong leaves the record as it was.
 */
export class EngineAttachments implements Attachments {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async attach(
    request: AttachRequest,
    body: BodyIn,
    call: LockdCall = noCall,
  ): Promise<AttachResult> {
    const { options } = this.#parts;
    const checked = checkAttach(request, options.defaultNamespace);
    const { claim } = checked;
    const taken = await this.#look(claim, (record, nowUnix) =>
      admitUpload(record, checked, nowUnix),
    );
    if (taken !== undefined) return answerOf(taken, claim);
    const object = stateObjectName(claim.namespace, claim.key, options.random.xid());
    const payload = await takePayload({
      ...checked,
      body,
      object,
      store: options.store,
      // Only a stream can be waited for; asking for the signal costs the carrier an object.
      signal: body instanceof Uint8Array ? undefined : call.signal,
    });
    return answerOf(await this.#record(checked, object, payload), claim);
  }

  async list(request: ListAttachmentsRequest, _call?: LockdCall): Promise<AttachmentList> {
    const read = checkRead(request, this.#parts.options.defaultNamespace);
    const { namespace, key } = read.mode === "public" ? read.target : read.claim;
    const entries = await this.#entries(read);
    return { namespace, key: request.key?.trim() ?? key, attachments: entries.map(infoOf) };
  }

  async retrieve(
    request: RetrieveAttachmentRequest,
    _call?: LockdCall,
  ): Promise<RetrievedAttachment> {
    const { store, defaultNamespace } = this.#parts.options;
    const { read, selector } = checkRetrieve(request, defaultNamespace);
    const wanted = selector.name ?? selector.id ?? "";
    for (let attempt = 0; attempt < stateOpenAttemptsMax; attempt += 1) {
      const entry = (await this.#entries(read)).find((one) => isSelected(selector, one));
      if (entry === undefined) break;
      const opened = await callStore(() => store.getStream(entry.object));
      if (opened !== undefined) return { attachment: infoOf(entry), body: opened.body };
      // Replaced between the two reads? Then the next look finds the new one.
    }
    throw failure("attachment_not_found", `${request.key} has no attachment "${wanted}" here`);
  }

  async delete(
    request: DeleteAttachmentRequest,
    _call?: LockdCall,
  ): Promise<DeleteAttachmentResult> {
    const { transactions, options } = this.#parts;
    const checked = checkDelete(request, options.defaultNamespace);
    const { claim } = checked;
    const staged = await transactions.staging.transact(claim, (record, nowUnix) =>
      stageDeletion(record, checked, nowUnix),
    );
    const { deleted, version } = staged;
    return { deleted: deleted > 0, version, fencingToken: claim.fencingToken };
  }

  async deleteAll(request: LeaseAddress, _call?: LockdCall): Promise<DeleteAllAttachmentsResult> {
    const { transactions, options } = this.#parts;
    const claim = checkWriteClaim(request, options.defaultNamespace);
    const staged = await transactions.staging.transact(claim, (record, nowUnix) =>
      stageClearing(record, claim, nowUnix),
    );
    return { ...staged, fencingToken: claim.fencingToken };
  }

  /** Names the stored payload in the record, or lets go of it. */
  async #record(
    checked: CheckedAttach,
    object: string,
    payload: StoredPayload,
  ): Promise<UploadStaged> {
    const { transactions, options, garbage } = this.#parts;
    const upload = { ...checked, ...payload, object, freshId: options.random.uuid() };
    const storedAt = options.clock.monotonicMs();
    let keepObject = false;
    try {
      const decide: Transition<UploadStaged> = (record, nowUnix) => {
        this.#refuseIfLate(checked.name, storedAt);
        return stageUpload(record, upload, nowUnix);
      };
      const staged = await transactions.staging.transact(checked.claim, decide, { object });
      keepObject = !staged.noop;
      return staged;
    } catch (error) {
      // After an unknown outcome the record may point at it; the sweeper knows in time.
      keepObject = error instanceof LockdError && error.outcomeUnknown;
      throw error;
    } finally {
      if (!keepObject) garbage.discard([object]);
    }
  }

  /**
   * A process that was stopped for long must not name a payload that another one's sweeper took for
   * left behind; with renewals in between the lease alone would not tell.
   */
  #refuseIfLate(name: string, storedAt: Monotonic): void {
    if (this.#parts.options.clock.monotonicMs() - storedAt <= payloadUnnamedMsMax) return;
    const seconds = payloadUnnamedMsMax / 1000;
    const detail = `attachment "${name}" could not be recorded within ${seconds} s of its upload`;
    throw failure("store_unavailable", detail);
  }

  async #entries(read: CheckedRead): Promise<readonly AttachmentEntry[]> {
    if (read.mode === "leased") {
      const { claim } = read;
      return this.#look(claim, (record, nowUnix) => findLeased(record, claim, nowUnix));
    }
    const { namespace, key } = read.target;
    const record = await this.#parts.shell.read(recordName(namespace, key));
    return record?.attachments ?? [];
  }

  /** A holder's look at the record: waits for no turn unless an expired lease has to be cleared. */
  async #look<Answer>(claim: LeaseClaim, decide: Transition<Answer>): Promise<Answer> {
    const { shell } = this.#parts;
    const decision = decide(await shell.read(nameOf(claim)), shell.nowUnix());
    if (decision.kind === "keep") return decision.answer;
    return shell.transact(nameOf(claim), decide);
  }
}

function answerOf({ entry, version, noop }: UploadStaged, claim: LeaseClaim): AttachResult {
  return { attachment: infoOf(entry), noop, version, fencingToken: claim.fencingToken };
}
