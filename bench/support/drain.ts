/**
 * Takes and acks what a queue holds, as a program of its own (see load-apart.ts for why).
 *
 * node bench/support/drain.ts URL dequeue|stream QUEUE TOTAL CLIENTS
 * Prints how many deliveries a second that were.
 */
import { HttpConnection } from "./http-connection.ts";
import { takeAndAck } from "./queue-cycles.ts";
import { byStreams } from "./queue-streams.ts";

const [url = "", how, queue = "", words, clients] = process.argv.slice(2);
const [total, count] = [Number(words), Number(clients)];

async function byDequeue(): Promise<number> {
  let left = total;
  const from = performance.now();
  const lanes = Array.from({ length: count }, async () => {
    const connection = new HttpConnection(url);
    while (left > 0) {
      left -= 1;
      await takeAndAck(connection, queue);
    }
    connection.close();
  });
  await Promise.all(lanes);
  return (total * 1_000) / (performance.now() - from);
}

const rate = how === "stream" ? byStreams({ url, queue, streams: count, total }) : byDequeue();
console.log(await rate);
