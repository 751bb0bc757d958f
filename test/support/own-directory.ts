/** A process that owns the store directory of its argument until it is ended. */
import { startRealServer } from "./real-server.ts";

const directory = process.argv[2];
if (directory === undefined) throw new Error("name the directory");
await startRealServer({ directory });
process.send?.("ready");
