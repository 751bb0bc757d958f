import type { Lockd, LockdCall } from "../../api/lockd.ts";
import type { QueryEnd, QueryRequest } from "../../api/queries.ts";
import { writeOut } from "../output.ts";
import { replaceFile } from "../replace-file.ts";
import { openSink, type SinkOptions } from "./query-sinks.ts";

/** Writes the keys of a page; answers how the page ended. */
export async function printKeys(
  lockd: Lockd,
  { request, call }: { readonly request: QueryRequest; readonly call: LockdCall },
  output: { readonly type: "json" | "text"; readonly file: string | undefined },
): Promise<QueryEnd> {
  const result = await lockd.queries.keys(request, call);
  const { keys } = result;
  const text =
    output.type === "json" ? `${JSON.stringify(keys)}\n` : keys.map((key) => `${key}\n`).join("");
  if (output.file === undefined || output.file === "-") await writeOut(text);
  else await replaceFile(output.file, text);
  return result;
}

/** Writes the documents of a page as they arrive; answers how the page ended. */
export async function printDocuments(
  lockd: Lockd,
  { request, call }: { readonly request: QueryRequest; readonly call: LockdCall },
  options: SinkOptions,
): Promise<QueryEnd | undefined> {
  const documents = await lockd.queries.documents(request, call);
  const sink = await openSink(options);
  try {
    for await (const row of documents) await sink.row(row);
    await sink.commit();
  } finally {
    await sink.abandon();
    await documents.close();
  }
  return documents.end;
}

/** How a page ended, as JSON for `--print-meta`. */
export function endText(end: QueryEnd | undefined): string {
  return JSON.stringify({
    cursor: end?.cursor,
    index_seq: end?.indexSeq,
    metadata: end?.metadata ?? {},
  });
}
