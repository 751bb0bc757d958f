import { SessionClosedError } from "../api/errors.ts";
import type { BodyOutStream } from "../api/lockd.ts";
import { AttachmentReads, attachmentInfo, checkedSelector } from "./attachment-reads.ts";
import type {
  AttachmentSelector,
  AttachmentStore,
  AttachOptions,
  AttachResult,
} from "./attachment-types.ts";
import { streamedBody } from "./body-input.ts";
import { callOptions } from "./call-options.ts";
import { isOutcomeUnknown, type SessionCore } from "./session-core.ts";
import type { Call } from "./types.ts";

/** Attachments under a session's lease (client-sdk.md section 8). */
export class AttachmentCalls extends AttachmentReads implements AttachmentStore {
  readonly #core: SessionCore;

  constructor(core: SessionCore) {
    const open = new Set<SessionBody>();
    super({
      lockd: core.lockd,
      address: () => core.view.address(),
      carrierCall: (o) => core.carrierCall(o),
      guarded: (operation, work) => core.guarded(operation, work),
      opened: (body) => {
        const watched = new SessionBody(body, core.view.facts.key, () => open.delete(watched));
        if (core.over) watched.cut();
        else open.add(watched);
        return watched;
      },
    });
    this.#core = core;
    core.atEnd(() => {
      for (const body of open) body.cut();
    });
  }

  attach(a: AttachOptions, o?: Call): Promise<AttachResult> {
    const { name, contentType, maxBytes, preventOverwrite } = a;
    return this.#change("attach", o, async () => {
      const { lockd, view } = this.#core;
      const request = { ...view.address(), name, contentType, maxBytes, preventOverwrite };
      const body = streamedBody(a.body);
      const result = await lockd.attachments.attach(request, body, this.#core.carrierCall(o));
      const { attachment, noop, version } = result;
      view.sawToken(result.fencingToken);
      if (!noop) view.stagedAttachment({ version, name: attachment.name, attachment });
      return { attachment: attachmentInfo(attachment), noop, version };
    });
  }

  delete(s: AttachmentSelector, o?: Call): Promise<{ deleted: boolean; version?: number }> {
    return this.#change("delete an attachment", o, async () => {
      const { lockd, view } = this.#core;
      const request = { ...view.address(), ...checkedSelector(s) };
      const result = await lockd.attachments.delete(request, this.#core.carrierCall(o));
      const { deleted, version } = result;
      view.sawToken(result.fencingToken);
      if (deleted) view.stagedAttachment({ version, name: s.name, attachment: undefined });
      return { deleted, ...(version > 0 ? { version } : {}) };
    });
  }

  deleteAll(o?: Call): Promise<{ deleted: number; version?: number }> {
    return this.#change("delete attachments", o, async () => {
      const { lockd, view } = this.#core;
      const result = await lockd.attachments.deleteAll(view.address(), this.#core.carrierCall(o));
      const { deleted, version } = result;
      view.sawToken(result.fencingToken);
      view.stagedAttachment({ version, name: undefined, attachment: undefined });
      return { deleted, ...(version > 0 ? { version } : {}) };
    });
  }

  /** One change at a time, in call order with the session's other changes. */
  #change<T>(operation: string, o: Call | undefined, work: () => Promise<T>): Promise<T> {
    const core = this.#core;
    const run = () =>
      core.guarded(operation, async () => {
        try {
          return await work();
        } catch (error) {
          if (isOutcomeUnknown(error)) core.view.dirty = true;
          throw error;
        }
      });
    return core.changes.run(run, callOptions(o).signal);
  }
}

/** A body opened under a lease: whoever still reads when the lease was given back is told so. */
class SessionBody implements BodyOutStream {
  readonly #body: BodyOutStream;
  readonly #key: string;
  readonly #done: () => void;
  #cut = false;

  constructor(body: BodyOutStream, key: string, done: () => void) {
    this.#body = body;
    this.#key = key;
    this.#done = done;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#body) {
        if (this.#cut) throw this.#closed();
        yield chunk;
      }
    } catch (error) {
      throw this.#cut ? this.#closed() : error;
    } finally {
      this.#done();
    }
    if (this.#cut) throw this.#closed();
  }

  /** The session is over: frees the source, and the reader gets an error. */
  cut(): void {
    this.#cut = true;
    this.#done();
    this.#body.close().catch(() => {});
  }

  close(): Promise<void> {
    this.#done();
    return this.#body.close();
  }

  #closed(): SessionClosedError {
    const message = `the session of "${this.#key}" was released while an attachment was read`;
    return new SessionClosedError("session_closed", message);
  }
}
