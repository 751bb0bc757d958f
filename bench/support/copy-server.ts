/** The yardstick for large bodies: a bare server that writes what it gets to a synced file. */

import { open } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

const directory = process.argv[2] ?? ".";
const server = createServer(async (request, response) => {
  const file = path.join(directory, "copy");
  if (request.method === "GET") {
    const handle = await open(file, "r");
    handle.createReadStream().pipe(response);
    return;
  }
  const handle = await open(file, "w");
  for await (const chunk of request) await handle.write(chunk as Buffer);
  await handle.datasync();
  await handle.close();
  response.end("{}");
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
