/** Calls about attachments, and their answers in the few words the checkers need. */
import type { AttachmentInfo } from "../../src/api/attachments.ts";
import { LockdError } from "../../src/api/errors.ts";
import type { Lockd } from "../../src/api/lockd.ts";
import { type Answer, type LeaseRef, sha256, wholeBody } from "./answer.ts";
import { filesText } from "./files.ts";

export interface AttachCall {
  readonly verb: "attach";
  readonly key: string;
  readonly lease: LeaseRef;
  readonly name: string;
  readonly body: Uint8Array;
  readonly sha256: string;
  readonly preventOverwrite: boolean;
}

export interface DetachCall {
  readonly verb: "detach";
  readonly key: string;
  readonly lease: LeaseRef;
  /** undefined: all. */
  readonly name: string | undefined;
}

export interface ListFilesCall {
  readonly verb: "files";
  readonly key: string;
  /** undefined: public. */
  readonly lease: LeaseRef | undefined;
}

export interface ReadFileCall {
  readonly verb: "readFile";
  readonly key: string;
  readonly lease: LeaseRef | undefined;
  readonly name: string;
}

export type FileCall = AttachCall | DetachCall | ListFilesCall | ReadFileCall;

export async function fileAnswer(
  { attachments }: Lockd,
  call: FileCall,
  signal: AbortSignal,
): Promise<Answer> {
  switch (call.verb) {
    case "attach": {
      const { lease, name, preventOverwrite } = call;
      const request = { ...lease, name, preventOverwrite };
      const { attachment, noop, version } = await attachments.attach(request, parts(call.body), {
        signal,
      });
      if (!noop && attachment.sha256 !== call.sha256)
        throw new TypeError("not the sum of the body");
      return { noop, version, file: attachment.sha256 ?? "" };
    }
    case "detach": {
      const { lease, name } = call;
      if (name === undefined) {
        const { deleted, version } = await attachments.deleteAll(lease);
        return { deleted, version };
      }
      const { deleted, version } = await attachments.delete({ ...lease, name });
      return { deleted: deleted ? 1 : 0, version };
    }
    case "files": {
      const listed = await attachments.list(addressOf(call));
      return { files: filesText(listed.attachments.map(nameAndSum)) };
    }
    default:
      return readFile({ attachments }, call);
  }
}

/** In two pieces, so that there is something between the first byte and the last. */
async function* parts(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body.subarray(0, 3);
  yield body.subarray(3);
}

function addressOf(call: ListFilesCall | ReadFileCall) {
  return call.lease === undefined ? { key: call.key, public: true } : { ...call.lease };
}

function nameAndSum({ name, sha256: sum }: AttachmentInfo): readonly [string, string] {
  return [name, sum ?? ""];
}

/** "There is no such attachment" is an answer too: the model knows whether it is right. */
async function readFile(
  { attachments }: Pick<Lockd, "attachments">,
  call: ReadFileCall,
): Promise<Answer> {
  try {
    const read = await attachments.retrieve({ ...addressOf(call), name: call.name });
    const sum = sha256(await wholeBody(read.body));
    if (sum !== read.attachment.sha256) throw new TypeError("not the bytes that were attached");
    return { file: sum };
  } catch (error) {
    if (error instanceof LockdError && error.code === "attachment_not_found") return { file: "" };
    throw error;
  }
}
