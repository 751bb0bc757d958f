/** Other lock services from Debian's packages, each with an fsync on every acknowledged write. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startOther } from "./children.ts";
import { HttpConnection } from "./http-connection.ts";

const pad = "x".repeat(280);

export interface PeerResult {
  readonly name: string;
  readonly cyclesPerSecond: number;
}

function has(command: string): boolean {
  return spawnSync("which", [command]).status === 0;
}

/** Runs a cycle on many lanes for a while and counts. */
async function rate(
  lanes: readonly ((round: number) => Promise<void>)[],
  seconds: number,
): Promise<number> {
  let over = false;
  let counting = false;
  let count = 0;
  const running = lanes.map(async (cycle) => {
    for (let round = 0; !over; round += 1) {
      await cycle(round);
      if (counting) count += 1;
    }
  });
  await sleep(seconds * 333);
  counting = true;
  await sleep(seconds * 1000);
  const result = count / seconds;
  over = true;
  await Promise.all(running);
  return result;
}

/** Enough of Redis' protocol: one command at a time, its reply as text. */
class RedisConnection {
  readonly #socket: Socket;
  #settle: ((reply: string) => void) | undefined;
  #heard = "";

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1").setNoDelay(true);
    this.#socket.on("data", (chunk) => {
      this.#heard += chunk.toString("latin1");
      const bulk = /^\$(\d+)\r\n/.exec(this.#heard);
      const need = bulk === null ? 0 : bulk[0].length + Number(bulk[1]) + 2;
      if (!this.#heard.endsWith("\r\n") || this.#heard.length < need) return;
      const reply = this.#heard;
      this.#heard = "";
      this.#settle?.(reply);
    });
  }

  send(...words: readonly string[]): Promise<string> {
    const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket.write(`*${words.length}\r\n${parts}`, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** SET NX PX, GET, SET, compare-and-delete. */
export async function redis(connections: number, seconds: number): Promise<PeerResult | undefined> {
  if (!has("redis-server")) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), "peer-redis-"));
  const port = 16_379;
  const options = ["--port", String(port), "--dir", directory, "--save", "", "--bind", "127.0.0.1"];
  const durable = ["--appendonly", "yes", "--appendfsync", "always"];
  const server = startOther("redis-server", [...options, ...durable], "");
  await sleep(700);
  const lanes = Array.from({ length: connections }, () => new RedisConnection(port));
  const script = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end";
  const cyclesPerSecond = await rate(
    lanes.map((lane, n) => async (round) => {
      const token = `${n}-${round}`;
      await lane.send("SET", `lock:${n}`, token, "NX", "PX", "30000");
      await lane.send("GET", `state:${n}`);
      await lane.send("SET", `state:${n}`, `${round}${pad}`);
      await lane.send("EVAL", script, "1", `lock:${n}`, token);
    }),
    seconds,
  );
  for (const lane of lanes) lane.close();
  await server.stop();
  return { name: "Redis, appendfsync always, 4 commands", cyclesPerSecond };
}

/** Compare-and-create, put, compare-and-delete over etcd's JSON gateway. */
export async function etcd(connections: number, seconds: number): Promise<PeerResult | undefined> {
  if (!has("etcd")) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), "peer-etcd-"));
  const url = "http://127.0.0.1:12379";
  const peer = "http://127.0.0.1:12380";
  const server = startOther(
    "etcd",
    [
      ...["--data-dir", directory, "--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", `default=${peer}`, "--log-level", "error"],
    ],
    url,
  );
  await sleep(3000);
  const encoded = (text: string): string => Buffer.from(text).toString("base64");
  const first = new HttpConnection(url);
  const lanes = [first];
  while (lanes.length < connections) lanes.push(new HttpConnection(url));
  const { body } = await first.post("/v3/lease/grant", '{"TTL":600}');
  const lease = (JSON.parse(body) as { ID: string }).ID;
  const cyclesPerSecond = await rate(
    lanes.map((lane, n) => async (round) => {
      const lock = encoded(`lock/${n}`);
      const compare = [{ key: lock, target: "CREATE", result: "EQUAL", create_revision: "0" }];
      const create = { request_put: { key: lock, value: encoded("me"), lease } };
      await lane.post("/v3/kv/txn", JSON.stringify({ compare, success: [create] }));
      const state = { key: encoded(`state/${n}`), value: encoded(`${round}${pad}`) };
      await lane.post("/v3/kv/put", JSON.stringify(state));
      await lane.post("/v3/kv/deleterange", JSON.stringify({ key: lock }));
    }),
    seconds,
  );
  for (const lane of lanes) lane.close();
  await server.stop();
  return { name: "etcd 3.4, shared lease, 3 calls (JSON gateway)", cyclesPerSecond };
}

/** Lease rows: three statements, each a transaction of its own, by pgbench. */
export async function postgres(
  connections: number,
  seconds: number,
): Promise<PeerResult | undefined> {
  const bin = globSync("/usr/lib/postgresql/*/bin").at(-1);
  if (bin === undefined || !existsSync(path.join(bin, "initdb"))) return undefined;
  const directory = mkdtempSync("/tmp/peer-pg-");
  const script = path.join(directory, "cycle.sql");
  const data = path.join(directory, "data");
  execFileSync("chown", ["postgres", directory]);
  const as = (command: string): string =>
    execFileSync("su", ["postgres", "-s", "/bin/sh", "-c", command], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  as(`${bin}/initdb -D ${data} -A trust`);
  const options = `-p 15432 -k ${directory} -c listen_addresses= -c max_connections=100`;
  as(`${bin}/pg_ctl -D ${data} -o "${options}" -w -l ${directory}/log start`);
  try {
    const psql = `psql -h ${directory} -p 15432 postgres -c`;
    as(`${psql} "create table lease(k int primary key, owner text, token bigint, body text)"`);
    as(`${psql} "insert into lease select n, null, 0, '' from generate_series(0,99) n"`);
    writeFileSync(
      script,
      `update lease set owner='me', token=token+1 where k=:client_id and owner is null;
update lease set body='${pad}' || token where k=:client_id and owner='me';
update lease set owner=null where k=:client_id and owner='me';
`,
    );
    const bench = `${bin}/pgbench -h ${directory} -p 15432 -n -M prepared -f ${script}`;
    const output = as(`${bench} -c ${connections} -j 2 -T ${Math.ceil(seconds)} postgres`);
    const cyclesPerSecond = Number(/tps = ([\d.]+)/.exec(output)?.[1]);
    return { name: "PostgreSQL lease rows, 3 commits (pgbench)", cyclesPerSecond };
  } finally {
    as(`${bin}/pg_ctl -D ${data} -m immediate stop`);
  }
}
