/** The lock cycle over HTTP, in three calls or two. */
import type { HttpConnection, RawAnswer } from "./http-connection.ts";

export const stateText = JSON.stringify({ n: 1, pad: "x".repeat(280) });

/** Repeats a cycle on one connection; every body differs, so that no write can be skipped. */
export type Cycle = (connection: HttpConnection, lane: number, round: number) => Promise<void>;

function expectOk(answer: RawAnswer): RawAnswer {
  if (!answer.head.startsWith("HTTP/1.1 20")) throw new Error(`${answer.head}\n${answer.body}`);
  return answer;
}

function field(text: string, name: string): string {
  const match = new RegExp(`"${name}":"?([^",}]+)`).exec(text);
  return match?.[1] ?? "";
}

function changing(round: number): string {
  return stateText.replace('"n":1', `"n":${round % 10}`);
}

/** acquire, update, release. Against the echo server the ids are simply empty. */
export const threeCalls: Cycle = async (connection, lane, round) => {
  await commit(connection, `bench/${lane}`, changing(round));
};

/** The three calls that commit one state. */
export async function commit(connection: HttpConnection, key: string, state: string) {
  const body = `{"key":"${key}","owner":"bench","ttl_seconds":30,"block_seconds":-1}`;
  const { body: lease } = expectOk(await connection.post("/v1/acquire", body));
  const leaseId = field(lease, "lease_id").padEnd(20, "0");
  const txnId = field(lease, "txn_id").padEnd(20, "0");
  const token = field(lease, "fencing_token") || "1";
  const headers = `X-Lease-ID: ${leaseId}\r\nX-Txn-ID: ${txnId}\r\nX-Fencing-Token: ${token}\r\n`;
  expectOk(await connection.post(`/v1/update?key=${key}`, state, headers));
  const release = `{"key":"${key}","lease_id":"${leaseId}","txn_id":"${txnId}"}`;
  expectOk(await connection.post("/v1/release", release, `X-Fencing-Token: ${token}\r\n`));
}

/** Two keys under one transaction: two acquires, two updates, one release. */
export async function commitBoth(
  connection: HttpConnection,
  work: {
    readonly txnId: string;
    readonly keys: readonly [string, string];
    readonly state: string;
  },
): Promise<void> {
  const { txnId, keys, state } = work;
  let release = { body: "", headers: "" };
  for (const key of keys) {
    const who = `"owner":"bench","ttl_seconds":30,"block_seconds":-1,"txn_id":"${txnId}"`;
    const { body } = expectOk(await connection.post("/v1/acquire", `{"key":"${key}",${who}}`));
    const [leaseId, token] = [field(body, "lease_id"), field(body, "fencing_token")];
    const fence = `X-Fencing-Token: ${token}\r\n`;
    const headers = `X-Lease-ID: ${leaseId}\r\nX-Txn-ID: ${txnId}\r\n${fence}`;
    expectOk(await connection.post(`/v1/update?key=${key}`, state, headers));
    release = {
      body: `{"key":"${key}","lease_id":"${leaseId}","txn_id":"${txnId}"}`,
      headers: fence,
    };
  }
  expectOk(await connection.post("/v1/release", release.body, release.headers));
}

/** acquire returning the state, update releasing. */
export const twoCalls: Cycle = async (connection, lane, round) => {
  const key = `bench/${lane}`;
  const body = `{"key":"${key}","owner":"bench","ttl_seconds":30,"block_seconds":-1}`;
  const extra = "X-Lockd-Return-State: 1\r\n";
  const { body: lease } = expectOk(await connection.post("/v1/acquire", body, extra));
  const headers =
    `X-Lease-ID: ${field(lease, "lease_id")}\r\nX-Txn-ID: ${field(lease, "txn_id")}\r\n` +
    `X-Fencing-Token: ${field(lease, "fencing_token")}\r\nX-Lockd-Release: commit\r\n`;
  const answer = await connection.post(`/v1/update?key=${key}`, changing(round), headers);
  if (!/x-lockd-released/i.test(expectOk(answer).head)) throw new Error("not released");
};
