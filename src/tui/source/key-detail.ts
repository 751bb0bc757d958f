/** A key with its state, laid out for reading. */
import type { BodyOut, Lockd } from "../../api/lockd.ts";
import { prettyJson } from "../../cli/pretty-json.ts";
import { detailBytesMax, detailLinesMax } from "../limits.ts";
import type { Detail, Subject } from "./dashboard-source.ts";

type KeySubject = Subject & { readonly kind: "key" };

export async function keyDetail(
  lockd: Lockd,
  { namespace, key }: KeySubject,
  signal: AbortSignal,
): Promise<Detail> {
  const address = namespace === "" ? { key } : { namespace, key };
  const status = await lockd.status(address, { signal });
  const state = await lockd.get({ ...address, public: true }, { signal });
  const facts: (readonly [string, string])[] = [
    ["held by", status.held ? (status.owner ?? "somebody") : "nobody"],
    ["token", status.fencingToken === 0 ? "none yet" : String(status.fencingToken)],
  ];
  if (status.held) {
    facts.push(["lease", status.leaseId ?? "-"]);
    facts.push(["transaction", status.txnId ?? "-"]);
    facts.push(["expires", timeText(status.expiresAtUnix)]);
  }
  facts.push(["waiting", status.waiters === undefined ? "not known" : String(status.waiters)]);
  facts.push(["changed", timeText(status.updatedAtUnix)]);
  facts.push(["version", `${state.version}${status.staged ? ", more is staged" : ""}`]);
  const { text, isCut } = await beginning(state.body, state.exists);
  const size = `${state.size} bytes${isCut ? `, the first ${detailBytesMax}` : ""}`;
  const heading = state.exists ? `committed state, ${size}` : "no committed state";
  // Half a document cannot be laid out; as it is it can still be read.
  const lines = text === "" ? [] : (isCut ? text : prettyJson(text).trimEnd()).split("\n");
  return { facts, heading, lines: lines.slice(0, detailLinesMax) };
}

function timeText(unixSeconds: number | undefined): string {
  if (unixSeconds === undefined || unixSeconds === 0) return "-";
  return `${new Date(unixSeconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** As much of a body as is shown; the rest is never read. */
async function beginning(
  body: BodyOut,
  exists: boolean,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (body instanceof Uint8Array) {
    chunks.push(body);
    bytes = body.length;
  } else {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > detailBytesMax) break;
    }
    await body.close();
  }
  if (!exists) return { text: "", isCut: false };
  const all = Buffer.concat(chunks).subarray(0, detailBytesMax);
  return { text: all.toString("utf8"), isCut: bytes > detailBytesMax };
}
