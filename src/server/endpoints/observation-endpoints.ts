/** Overview and change stream: extensions of the contract, read-only. */
import { failure } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import { overviewJson } from "../../api/observation-json.ts";
import { ChangeWriter } from "../change-writer.ts";
import type { Exchange } from "../exchange.ts";
import type { Routes } from "../route.ts";

async function overview(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const limit = query.get("limit");
  const answer = await lockd.observation.overview(
    {
      namespaces: (query.get("namespaces") ?? "").split(",").filter((text) => text.trim() !== ""),
      after: query.get("after"),
      limit: limit === undefined ? undefined : wholeNumber(limit),
      order: query.get("order"),
      filter: query.get("filter"),
    },
    exchange,
  );
  const json = overviewJson({ ...answer, mode: "server" });
  exchange.json(200, JSON.stringify(json), []);
}

async function names(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const limit = query.get("limit");
  const request = {
    kind: query.get("kind"),
    namespace: query.get("namespace"),
    prefix: query.get("prefix"),
    limit: limit === undefined ? undefined : wholeNumber(limit),
  };
  const answer = await lockd.observation.names(request, exchange);
  exchange.json(200, JSON.stringify(answer), []);
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw failure("invalid_observation", `the limit "${text.slice(0, 40)}" is not a whole number`);
}

/** The stream ends when the client goes, and when the server drains. */
async function events(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const stream = await lockd.observation.changes(
    {
      namespace: query.get("namespace"),
      key: query.get("key"),
      prefix: query.get("prefix"),
      queue: query.get("queue"),
      txnId: query.get("txn"),
      // A browser's EventSource sends the header when it reconnects, and then it is the newer one.
      after: exchange.header("last-event-id") ?? query.get("after"),
      fromVersion: query.get("from_version"),
    },
    exchange,
  );
  const writer = new ChangeWriter(exchange);
  try {
    for await (const event of stream) await writer.write(event);
    writer.end();
  } finally {
    writer.stop();
    await stream.close();
  }
}

export const observationRoutes: Routes = {
  "/v1/x/overview": { operation: "x.overview", run: overview },
  "/v1/x/names": { operation: "x.names", run: names },
  "/v1/x/events": { operation: "x.events", run: events },
};
