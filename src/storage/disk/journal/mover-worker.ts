/** Worker thread: moves sealed segments into SQLite, so that the event loop need not wait. */
import { parentPort, workerData } from "node:worker_threads";
import { storeFailureOf } from "../sqlite-failure.ts";
import { SqliteRows } from "../sqlite-rows.ts";
import { moveSegment } from "./move-segment.ts";
import type { MoveAnswer, MoveRequest } from "./mover.ts";

const { databasePath } = workerData as { readonly databasePath: string };
const rows = SqliteRows.open({ path: databasePath });

parentPort?.on("message", (request: MoveRequest) => {
  let answer: MoveAnswer;
  try {
    if (request.kind === "stop") {
      rows.close();
      answer = { kind: "stopped" };
    } else {
      answer = { kind: "moved", lastSeq: moveSegment(request.file, rows) };
    }
  } catch (error) {
    const { kind, message } = storeFailureOf(error, databasePath);
    answer = { kind: "failed", why: kind, message };
  }
  parentPort?.postMessage(answer);
});
