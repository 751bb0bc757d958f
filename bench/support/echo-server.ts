/** The yardstick: bare `node:http` that reads a body and answers one of the size of lockd's. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const answers = new Map([
  ["/v1/acquire", Buffer.alloc(330, "a")],
  ["/v1/update", Buffer.alloc(140, "u")],
  ["/v1/release", Buffer.from('{"released":true}')],
  ["/v1/get", Buffer.alloc(300, "g")],
  ["/v1/queue/enqueue", Buffer.alloc(290, "e")],
  ["/v1/queue/dequeue", Buffer.alloc(1_150, "d")],
  ["/v1/queue/ack", Buffer.alloc(70, "a")],
]);
const nothing = Buffer.alloc(0);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const target = request.url ?? "";
    const at = target.indexOf("?");
    const body = answers.get(at === -1 ? target : target.slice(0, at)) ?? nothing;
    response.writeHead(200, [
      "Content-Type",
      "application/json",
      "Content-Length",
      String(body.length),
    ]);
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
