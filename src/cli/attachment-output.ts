/** Attachments as commands print them (cli.md section 7.11). */
import type { AttachmentInfo, AttachmentList } from "../api/attachments.ts";
import { jsonText } from "./output.ts";

/** As on the wire: what is not known is left out. */
export function attachmentJson(info: AttachmentInfo) {
  return {
    id: info.id,
    name: info.name,
    size: info.size,
    plaintext_sha256: info.sha256,
    content_type: info.contentType === "" ? undefined : info.contentType,
    created_at_unix: info.createdAtUnix === 0 ? undefined : info.createdAtUnix,
    updated_at_unix: info.updatedAtUnix === 0 ? undefined : info.updatedAtUnix,
  };
}

export function listText({ namespace, key, attachments }: AttachmentList, output: string): string {
  if (output === "json") {
    return jsonText({ namespace, key, attachments: attachments.map(attachmentJson) });
  }
  // A tab or line break inside a name must not look like one between the columns.
  const rows = attachments.map(
    ({ name, size, id }) => `${name.replace(/\p{Cc}/gu, " ")}\t${size}\t${id}\n`,
  );
  return rows.join("");
}

/** 0 stands for "nothing was ever committed" and is left out. */
export function knownVersion(version: number): number | undefined {
  return version === 0 ? undefined : version;
}
