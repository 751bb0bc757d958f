/** Requests as bytes: every answer is held to what the contract says of all answers. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Store } from "../../../src/engine/ports/store.ts";
import type { NamespaceIndex } from "../../../src/engine/query/candidates.ts";
import { type Answer, type Call, call } from "../../server/raw-http.ts";
import { type RealServer, startRealServer } from "../../support/real-server.ts";
import { freshKey } from "../lockd-suite.ts";

export const xid = /^[0-9a-v]{19}[0g]$/;
export const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const sha256Hex = /^[0-9a-f]{64}$/;

const integerHeaders = ["x-key-version", "x-fencing-token", "retry-after"];

const envelope = new Map<string, (value: unknown) => boolean>([
  ["error", (value) => typeof value === "string" && /^[a-z0-9_]+$/.test(value)],
  ["detail", (value) => typeof value === "string" && value !== ""],
  ["leader_endpoint", (value) => typeof value === "string" && value !== ""],
  ["current_version", (value) => Number.isSafeInteger(value) && value !== 0],
  ["current_etag", (value) => typeof value === "string" && value !== ""],
  ["retry_after_seconds", (value) => Number.isSafeInteger(value) && Number(value) >= 1],
]);

/** Sections 4 and 5: what holds for every answer, whatever the request was. */
function checkAnswer({ status, headers, json, text }: Answer): void {
  expect(Object.values(headers)).not.toContain("");
  expect(headers["x-correlation-id"]).toMatch(/^[\x20-\x7e]{1,128}$/);
  for (const name of integerHeaders) expect(headers[name] ?? "0").toMatch(/^(0|[1-9]\d*)$/);
  if (headers.etag !== undefined) expect(headers.etag).not.toContain('"');
  if (status < 400) return;
  expect(headers["content-type"]).toBe("application/json");
  expect(text).toMatch(/^\{.*\}\n?$/);
  expect(Object.keys(json)).toContain("error");
  for (const [name, value] of Object.entries(json)) {
    expect(`${name} ${envelope.get(name)?.(value)}`).toBe(`${name} true`);
  }
  expect(headers["retry-after"]).toBe(json.retry_after_seconds?.toString());
}

export interface WireLease {
  readonly key: string;
  readonly answer: Answer;
  /** `?key=…`, and the three headers of lease-bound calls. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What keepalive and release take in their bodies. */
  readonly body: Readonly<Record<string, unknown>>;
}

export class Wire {
  url = "";

  async ask(path: string, options: Call = {}): Promise<Answer> {
    const answer = await call(`${this.url}${path}`, options);
    checkAnswer(answer);
    return answer;
  }

  post(path: string, body: unknown = "", headers: Readonly<Record<string, string>> = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.ask(path, { method: "POST", body: text, headers });
  }

  /** The code and status a request is refused with. */
  async refused(answer: Promise<Answer>): Promise<string> {
    const { status, json } = await answer;
    return `${status} ${json.error}`;
  }

  acquire(more: object = {}): Promise<Answer> {
    return this.post("/v1/acquire", { owner: "w", ttl_seconds: 30, block_seconds: -1, ...more });
  }

  async lease(more: object = {}): Promise<WireLease> {
    const answer = await this.acquire({ key: freshKey(), ...more });
    expect([answer.status, answer.json.error]).toEqual([200, undefined]);
    const { key, lease_id, txn_id, fencing_token } = answer.json;
    return {
      key: String(key),
      answer,
      query: `?key=${key}`,
      headers: {
        "X-Lease-ID": String(lease_id),
        "X-Txn-ID": String(txn_id),
        "X-Fencing-Token": String(fencing_token),
      },
      body: { key, lease_id, txn_id },
    };
  }

  update(lease: WireLease, body: string, headers: Readonly<Record<string, string>> = {}) {
    return this.post(`/v1/update${lease.query}`, body, { ...lease.headers, ...headers });
  }

  release(lease: WireLease, more: object = {}): Promise<Answer> {
    return this.post("/v1/release", { ...lease.body, ...more }, lease.headers);
  }

  /** Commits a state under a lease of its own. */
  async commit(key: string, body: string): Promise<void> {
    const lease = await this.lease({ key });
    await this.update(lease, body);
    expect((await this.release(lease)).json).toEqual({ released: true });
  }

  publicly(key: string): Promise<Answer> {
    return this.post(`/v1/get?key=${key}&public=1`);
  }

  describe(key: string): Promise<Answer> {
    return this.ask(`/v1/describe?key=${key}`);
  }
}

/** Where a server keeps its store; in memory when nothing is said. */
export interface OpenedPlace {
  readonly directory?: string;
  readonly index?: (store: Store) => NamespaceIndex;
  readonly close?: () => Promise<void>;
}

/** Runs groups of cases against one server. */
export function describeWire(
  name: string,
  open: () => Promise<OpenedPlace>,
  groups: readonly ((wire: Wire) => void)[],
): void {
  describe.concurrent(name, () => {
    const wire = new Wire();
    let server: RealServer | undefined;
    let close: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      const { close: cleanUp, ...place } = await open();
      close = cleanUp;
      server = await startRealServer(place);
      wire.url = server.url;
    });
    afterAll(async () => {
      await server?.stop();
      await close?.();
    });
    for (const cases of groups) cases(wire);
  });
}
