/** Worker thread: takes documents apart and writes the index, so that no request waits for it. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ContentFiles } from "../storage/disk/content-files.ts";
import { storeFailureOf } from "../storage/disk/sqlite-failure.ts";
import { whenFree } from "../storage/disk/when-free.ts";
import {
  type IndexAnswer,
  type IndexRequest,
  type NumberedAnswer,
  type NumberedRequest,
  unpackRecords,
} from "./index-messages.ts";
import { IndexWriter } from "./index-writer.ts";

const { directory } = workerData as { readonly directory: string };
if (parentPort !== null) serve(parentPort);

function serve(port: MessagePort): void {
  const content = new ContentFiles(directory);
  const writer = new IndexWriter(directory, (name) => content.read(name));
  // One after the other: a batch that reads large states leaves its transaction open meanwhile.
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, request }: NumberedRequest) => {
    last = last.then(async () => {
      const answer: NumberedAnswer = { id, answer: await answerTo(writer, request) };
      port.postMessage(answer);
    });
  });
}

async function answerTo(writer: IndexWriter, request: IndexRequest): Promise<IndexAnswer> {
  try {
    const value = await whenFree(async () => {
      try {
        return await perform(writer, request);
      } catch (error) {
        throw storeFailureOf(error, `the index of ${directory}`);
      }
    });
    return { kind: "done", value };
  } catch (error) {
    const { kind, message } = storeFailureOf(error, directory);
    return { kind: "failed", why: kind, message };
  }
}

function perform(writer: IndexWriter, request: IndexRequest) {
  switch (request.kind) {
    case "cursor":
      return writer.cursor();
    case "apply": {
      const { packed, ...batch } = request.batch;
      return writer.apply({ ...batch, records: unpackRecords(packed) });
    }
    case "renew":
      writer.renew();
      return undefined;
    case "claim":
      return writer.claimRebuild(request.namespace, request.nowMs, request.untilMs);
    case "endRebuild":
      writer.endRebuild(request.namespace);
      return undefined;
    case "stop":
      writer.close();
      return undefined;
  }
}
