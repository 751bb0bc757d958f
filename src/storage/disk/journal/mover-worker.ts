/** Worker thread: moves sealed segments into SQLite, so that the event loop need not wait. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { storeFailureOf } from "../sqlite-failure.ts";
import { SqliteRows } from "../sqlite-rows.ts";
import { moveSegment } from "./move-segment.ts";
import type { MoveAnswer, MoveRequest } from "./mover.ts";

const { databasePath } = workerData as { readonly databasePath: string };
if (parentPort !== null) serve(parentPort);

function serve(port: MessagePort): void {
  // Opened by the first request, so that a database found busy is an answer and tried again.
  let rows: SqliteRows | undefined;
  const answerTo = (request: MoveRequest): MoveAnswer => {
    if (request.kind === "stop") {
      rows?.close();
      return { kind: "stopped" };
    }
    rows ??= SqliteRows.open({ path: databasePath });
    moveSegment(request.file, rows);
    return { kind: "moved" };
  };
  port.on("message", (request: MoveRequest) => {
    let answer: MoveAnswer;
    try {
      answer = answerTo(request);
    } catch (error) {
      const { kind, message } = storeFailureOf(error, databasePath);
      answer = { kind: "failed", why: kind, message };
    }
    port.postMessage(answer);
  });
}
