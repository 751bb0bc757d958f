import { createHash } from "node:crypto";
import type { AttachmentInfo } from "../api/attachments.ts";
import { LockdTransportError } from "../api/errors.ts";
import type { BodyOut, BodyOutStream } from "../api/lockd.ts";

/**
 * An attachment's bytes, checked against its length and SHA-256 as they pass. Iterating rejects
 * with `truncated` instead of ending when they are not what was uploaded, so whoever read to the
 * end has all of it.
 */
export function verifiedBody(body: BodyOut, info: AttachmentInfo): BodyOutStream {
  const hash = info.sha256 === undefined ? undefined : createHash("sha256");
  let size = 0;
  async function* checked(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      size += chunk.byteLength;
      hash?.update(chunk);
      if (chunk.byteLength > 0) yield chunk;
    }
    if (info.size >= 0 && size !== info.size) {
      throw damaged(info, `${size} of ${info.size} bytes arrived`);
    }
    if (hash !== undefined && hash.digest("hex") !== info.sha256?.toLowerCase()) {
      throw damaged(info, "its SHA-256 is another one than at its upload");
    }
  }
  return {
    [Symbol.asyncIterator]: checked,
    close: () => (body instanceof Uint8Array ? Promise.resolve() : body.close()),
  };
}

function damaged({ name, id }: AttachmentInfo, what: string): LockdTransportError {
  const message = `attachment "${name === "" ? id : name}" came broken: ${what}`;
  return new LockdTransportError("truncated", message, { operation: "retrieve attachment" });
}
