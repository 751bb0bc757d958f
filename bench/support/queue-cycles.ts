/** What producers and consumers do over HTTP, as cheap as clients can be. */
import type { Cycle } from "./cycles.ts";
import type { HttpConnection, RawAnswer } from "./http-connection.ts";

const payload = "x".repeat(300);
const type = "Content-Type: multipart/related; boundary=bench\r\n";

export function enqueueBody(queue: string, text = payload): string {
  return (
    '--bench\r\nContent-Disposition: form-data; name="meta"\r\n' +
    "Content-Type: application/json\r\n\r\n" +
    `{"queue":"${queue}"}\r\n--bench\r\nContent-Disposition: form-data; name="payload"\r\n` +
    `Content-Type: text/plain\r\n\r\n${text}\r\n--bench--\r\n`
  );
}

export function field(text: string, name: string): string {
  return new RegExp(`"${name}":"?([^",}]+)`).exec(text)?.[1] ?? "";
}

function expectOk(answer: RawAnswer): string {
  if (!answer.head.startsWith("HTTP/1.1 20")) throw new Error(`${answer.head}\n${answer.body}`);
  return answer.body;
}

export async function enqueue(connection: HttpConnection, queue: string): Promise<void> {
  expectOk(await connection.post("/v1/queue/enqueue", enqueueBody(queue), type));
}

/** The body of an ack for the first delivery in `text`. Against the echo server ids are padding. */
export function ackBody(queue: string, text: string): string {
  const id = (name: string, length: number): string => field(text, name).padEnd(length, "0");
  return (
    `{"queue":"${queue}","message_id":"${id("message_id", 36)}",` +
    `"lease_id":"${id("lease_id", 20)}",` +
    `"fencing_token":${field(text, "fencing_token") || "1"},` +
    `"meta_etag":"${id("meta_etag", 20)}"}`
  );
}

export async function takeAndAck(connection: HttpConnection, queue: string): Promise<void> {
  const ask = `{"queue":"${queue}","owner":"bench","wait_seconds":10}`;
  const text = expectOk(await connection.post("/v1/queue/dequeue", ask));
  expectOk(await connection.post("/v1/queue/ack", ackBody(queue, text)));
}

/** enqueue, dequeue of whatever is first, ack: all lanes share one queue. */
export const queueCycle: Cycle = async (connection) => {
  await enqueue(connection, "bench");
  await takeAndAck(connection, "bench");
};
