import { encodeXid } from "../../ids/xid.ts";

/** A new transaction id: an xid of this second whose other 8 bytes are random. */
export function mintTxnId(nowMs: number): string {
  const { randomFillSync } = process.getBuiltinModule("node:crypto");
  const bytes = randomFillSync(Buffer.alloc(12));
  bytes.writeUInt32BE(Math.floor(nowMs / 1_000) >>> 0, 0);
  return encodeXid(bytes);
}
