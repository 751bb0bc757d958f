/**
 * After the faults stopped: everybody who waits is served, every lease can be taken, all nodes see
 * what the store holds, and nothing is left behind.
 */
import {
  type KeyRecord,
  recordName,
  recordPrefix,
  stateObjectPrefix,
} from "../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../src/engine/record/record-codec.ts";
import { referencedObjects } from "../../src/engine/record/record-objects.ts";
import { sha256 } from "./answer.ts";
import type { AcquireCall, Outcome } from "./calls.ts";
import { filesText } from "./files.ts";
import type { SimNode } from "./node.ts";
import { maxTtlSeconds } from "./node.ts";
import type { World } from "./world.ts";

/** Virtual milliseconds within which a waiter is served once the key is free. */
export const servedWithinMs = 3_000;
/** Virtual milliseconds after which every call of the clients is over, hung ones included. */
const settleMs = 90_000;
/** Longest jump of a clock: a lease granted by a clock that was ahead lasts so much longer. */
const jumpMsMax = 86_400_000 * 30;

export async function converge(world: World): Promise<void> {
  const { scheduler } = world;
  await scheduler.run(scheduler.now + settleMs);
  if (world.network.executing > 0) {
    world.violate("P11 progress", "", `${world.network.executing} calls are never answered`);
  }
  for (const node of world.nodes) {
    if (node.timers === 0) continue;
    world.violate("P12 bounded", "", `${node.name} keeps ${node.timers} timers of nobody`);
  }
  if (world.scenario.clockFaults) await scheduler.run(scheduler.now + jumpMsMax);
  for (const key of world.keys) await passAround(world, key);
  for (const key of world.keys) await compareViews(world, key);
  await sweepAll(world);
}

/** Runs the world until the promise is settled, at most so long; undefined when it was not. */
async function within<T>(world: World, ms: number, promise: Promise<T>): Promise<T | undefined> {
  let result: { readonly value: T } | undefined;
  void promise.then((value) => {
    result = { value };
  });
  await world.scheduler.run(world.scheduler.now + ms, () => result !== undefined);
  return result?.value;
}

function acquireCall(key: string, blockSeconds: number): AcquireCall {
  return {
    verb: "acquire",
    key,
    owner: "probe",
    ttlSeconds: maxTtlSeconds,
    blockSeconds,
    ifNotExists: false,
    returnState: false,
  };
}

/** One holder, a waiter at every node; each ends its lease as soon as it has it. */
async function passAround(world: World, key: string): Promise<void> {
  const { nodes, network, rng } = world;
  // The last holder of the run may have vanished: its lease ends by itself.
  const firstMs = maxTtlSeconds * 1000 + servedWithinMs;
  const holder = rng.pick(nodes);
  const call = acquireCall(key, 0);
  const first = await within(world, firstMs, network.call(holder, call, firstMs));
  if (first?.kind !== "ok") {
    world.violate("P11 progress", key, `nobody gets the key: ${JSON.stringify(first)}`);
    return;
  }
  const waiting = nodes.flatMap((node) => [node, node]);
  let served = 0;
  for (const node of waiting) {
    void network.call(node, acquireCall(key, 0), 120_000).then(async (outcome) => {
      if (outcome.kind !== "ok") return;
      served += 1;
      await release(world, node, outcome);
    });
  }
  await world.scheduler.run(world.scheduler.now + 500);
  await checkWaiters(world, key, waiting.length);
  await within(world, servedWithinMs, release(world, holder, first));
  const limitMs = servedWithinMs * waiting.length;
  const freeAtMs = world.scheduler.now;
  await world.scheduler.run(freeAtMs + limitMs, () => served === waiting.length);
  if (served < waiting.length) {
    const unserved = waiting.length - served;
    const text = `${unserved} of ${waiting.length} waiters not served in ${limitMs} ms`;
    world.violate("P11 progress", key, text);
  }
  await world.scheduler.run(world.scheduler.now + 1_500);
  await checkWaiters(world, key, 0);
}

async function release(world: World, node: SimNode, outcome: Outcome): Promise<void> {
  if (outcome.kind !== "ok" || outcome.answer.lease === undefined) return;
  const { lease } = outcome.answer;
  const call = { verb: "release" as const, key: lease.key, lease, rollback: false };
  await world.network.call(node, call, servedWithinMs);
}

/** A node knows of exactly the callers that wait at it. */
async function checkWaiters(world: World, key: string, expected: number): Promise<void> {
  if (!world.scenario.exclusive) return;
  for (const node of world.nodes) {
    const call = { verb: "status" as const, key };
    const outcome = await within(world, 5_000, world.network.call(node, call, 4_000));
    const waiters = outcome?.kind === "ok" ? outcome.answer.waiters : undefined;
    if (waiters === expected) continue;
    world.violate("P12 bounded", key, `${node.name} shows ${waiters} waiters, not ${expected}`);
  }
}

/** Every node answers what the store holds. These reads are part of the checked history too. */
async function compareViews(world: World, key: string): Promise<void> {
  const stored = world.truth.durable.get(recordName("default", key));
  const record = stored === undefined ? undefined : decodeRecord(key, stored.bytes).record;
  for (const node of world.nodes) {
    const call = { verb: "get" as const, key, lease: undefined };
    const read = await within(world, 5_000, world.network.call(node, call, 4_000));
    const answer = read?.kind === "ok" ? read.answer : undefined;
    const status = await within(
      world,
      5_000,
      world.network.call(node, { verb: "status", key }, 4_000),
    );
    const token = status?.kind === "ok" ? status.answer.token : undefined;
    const listing = world.network.call(node, { verb: "files", key, lease: undefined }, 4_000);
    const listed = await within(world, 5_000, listing);
    const files = listed?.kind === "ok" ? listed.answer.files : undefined;
    const etag = answer === undefined ? "no answer" : answer.etag;
    const sameState = etag === (record?.state?.etag ?? "") && token === record?.fencingToken;
    if (sameState && files === storedFiles(record)) continue;
    world.violate("P11 agreement", key, `${node.name} has another view than the store`);
  }
}

function storedFiles(record: KeyRecord | undefined): string {
  return filesText((record?.attachments ?? []).map(({ name, sha256: sum }) => [name, sum]));
}

/**
 * Sweeps further apart than any lease: no object is missing and none is left over. The first one
 * may only finish a round that was begun among the faults, so two whole ones follow.
 */
async function sweepAll(world: World): Promise<void> {
  const node = world.rng.pick(world.nodes);
  for (let round = 0; round < 3; round += 1) {
    const sweeping = node.engine.sweep({ opsMax: 100_000, signal: undefined });
    const summary = await within(world, 60_000, sweeping);
    if (summary?.complete !== true) world.violate("P11 progress", "", "a sweep did not finish");
    await world.scheduler.run(world.scheduler.now + 20 * 60_000);
  }
  const referenced = new Set<string>();
  for (const { name, bytes } of world.truth.objects(recordPrefix)) {
    const { record } = decodeRecord(name, bytes);
    for (const object of referencedObjects(record)) referenced.add(object);
    checkPayloads(world, record);
  }
  for (const name of world.truth.streamNames(stateObjectPrefix)) {
    if (!referenced.delete(name)) world.violate("P11 orphans", "", `${name} is left over`);
  }
  for (const name of referenced) world.violate("P05 durability", "", `${name} is gone`);
}

/** Every committed attachment is there, byte for byte. */
function checkPayloads(world: World, record: KeyRecord): void {
  for (const { name, object, sha256: sum } of record.attachments) {
    const bytes = world.truth.streams.get(object);
    if (bytes !== undefined && sha256(bytes) === sum) continue;
    world.violate("P05 durability", name, `the committed attachment ${object} is lost`);
  }
}
