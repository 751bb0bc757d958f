/** Every check on the history of a run, besides those that convergence makes on the way. */
import { describeOperation, type Operation } from "./history.ts";
import { checkLinearizable, sortOperations, type Verdict } from "./linearize.ts";
import { epochMs } from "./sim-clock.ts";
import type { World } from "./world.ts";

export interface CheckSummary {
  readonly keys: number;
  readonly inconclusive: number;
  readonly searchSteps: number;
}

/** Operations shown with a violation. */
const shownMax = 12;

export function checkHistory(world: World): CheckSummary {
  const { history, scenario, beliefs } = world;
  let inconclusive = 0;
  let searchSteps = 0;
  checkCodes(world);
  world.violations.push(...beliefs.violations);
  if (!scenario.clockFaults) world.violations.push(...beliefs.overlaps());
  for (const key of world.keys) {
    const operations = history.ofKey(key);
    checkTokens(world, key, operations);
    checkVisibility(world, key, operations);
    const rules = { epochMs, clockFaults: scenario.clockFaults };
    const all = [...operations, ...expiredGrants(operations)].sort(
      (one, other) => one.invokedAt - other.invokedAt,
    );
    const verdict = checkLinearizable(sortOperations(all), rules);
    searchSteps += verdict.steps;
    if (verdict.kind === "inconclusive") inconclusive += 1;
    if (verdict.kind === "violation") reportStuck(world, key, verdict);
  }
  return { keys: world.keys.length, inconclusive, searchSteps };
}

/**
 * A grant that ran out while the store was still writing it is not handed out: the engine tries
 * again, so one call may have had an effect before the one it was answered for. Such effects show
 * as tokens that nobody was told; only as many are allowed as there are of those.
 */
function expiredGrants(operations: readonly Operation[]): readonly Operation[] {
  const acquires = operations.filter(({ call }) => call.verb === "acquire");
  const tokens = acquires.map(tokenOf).filter((token) => token > 0);
  const untold = Math.max(0, ...tokens) - new Set(tokens).size;
  const unheard = acquires.filter(({ outcome }) => isUnheard(outcome)).length;
  const slow = acquires.filter((operation) => {
    const { call, outcome, invokedMs, answeredMs } = operation;
    const ttlMs = call.verb === "acquire" ? call.ttlSeconds * 1000 : 0;
    return !isUnheard(outcome) && answeredMs - invokedMs > ttlMs - 1_000;
  });
  return slow.slice(0, Math.max(0, untold === 0 ? 0 : untold + unheard)).map((operation) => ({
    ...operation,
    outcome: undefined,
    answeredAt: Number.POSITIVE_INFINITY,
    answeredMs: Number.POSITIVE_INFINITY,
  }));
}

function isUnheard(outcome: Operation["outcome"]): boolean {
  return outcome === undefined || (outcome.kind === "failed" && outcome.unknown);
}

function reportStuck(
  world: World,
  key: string,
  verdict: Extract<Verdict, { kind: "violation" }>,
): void {
  const stuck = verdict.stuck.slice(0, shownMax).map((at) => `\n    ${describeOperation(at)}`);
  const state = JSON.stringify(verdict.state);
  world.violate(
    "P03 linearizability",
    key,
    `no order explains the answers; after ${state} none of these can be next:${stuck.join("")}`,
  );
}

/** P02: a grant that began after another was answered has a higher token; none comes twice. */
function checkTokens(world: World, key: string, operations: readonly Operation[]): void {
  const grants = operations.filter(
    ({ call, outcome }) => call.verb === "acquire" && outcome?.kind === "ok",
  );
  const byAnswer = [...grants].sort((one, other) => one.answeredAt - other.answeredAt);
  const byBegin = [...grants].sort((one, other) => one.invokedAt - other.invokedAt);
  const seen = new Map<number, Operation>();
  let answered = 0;
  let highest = 0;
  for (const grant of byBegin) {
    for (let at = byAnswer[answered]; at !== undefined; at = byAnswer[answered]) {
      if (at.answeredAt > grant.invokedAt) break;
      highest = Math.max(highest, tokenOf(at));
      answered += 1;
    }
    const token = tokenOf(grant);
    const twin = seen.get(token);
    seen.set(token, grant);
    if (token > highest && twin === undefined) continue;
    const other = twin === undefined ? `after ${highest}` : `as ${describeOperation(twin)}`;
    world.violate("P02 tokens", key, `${describeOperation(grant)} ${other}`);
  }
}

function tokenOf({ outcome }: Operation): number {
  return outcome?.kind === "ok" ? (outcome.answer.token ?? 0) : 0;
}

/** P05: a public read shows only what some lease asked to commit, under the token that wrote it. */
function checkVisibility(world: World, key: string, operations: readonly Operation[]): void {
  const committableFrom = new Map<number, number>();
  const writers = new Map<string, { token: number; fusedAt: number }>();
  for (const { call, invokedAt } of operations) {
    if (call.verb === "release" && !call.rollback) {
      const token = call.lease.fencingToken;
      const before = committableFrom.get(token) ?? Number.POSITIVE_INFINITY;
      committableFrom.set(token, Math.min(before, invokedAt));
    }
    if (call.verb !== "update") continue;
    const fusedAt = call.fused ? invokedAt : Number.POSITIVE_INFINITY;
    const known = writers.get(call.etag);
    writers.set(call.etag, {
      token: call.lease.fencingToken,
      fusedAt: Math.min(fusedAt, known?.fusedAt ?? Number.POSITIVE_INFINITY),
    });
  }
  for (const operation of operations) {
    const { call, outcome } = operation;
    if (call.verb !== "get" || call.lease !== undefined || outcome?.kind !== "ok") continue;
    if (outcome.answer.exists !== true) continue;
    const writer = writers.get(outcome.answer.etag ?? "");
    const from = Math.min(
      writer?.fusedAt ?? Number.POSITIVE_INFINITY,
      committableFrom.get(writer?.token ?? 0) ?? Number.POSITIVE_INFINITY,
    );
    if (from < operation.answeredAt) continue;
    world.violate("P05 visibility", key, `${describeOperation(operation)} was never committed`);
  }
}

const everywhere = ["store_full", "store_unavailable", "cas_mismatch", "transport", "caller_gone"];
const holdersOnly = ["lease_required", "lease_expired", "fencing_mismatch"];
const expectedCodes: Readonly<Record<string, readonly string[]>> = {
  acquire: ["waiting", "already_exists"],
  keepAlive: holdersOnly,
  update: [...holdersOnly, "version_conflict", "etag_mismatch"],
  remove: [...holdersOnly, "version_conflict", "etag_mismatch"],
  get: holdersOnly,
  release: [],
  status: [],
  attach: holdersOnly,
  detach: holdersOnly,
  files: holdersOnly,
  readFile: holdersOnly,
};

/** P15: each failure is a documented one for its verb; nothing escapes as an untyped error. */
function checkCodes(world: World): void {
  for (const operation of world.history.operations) {
    const { call, outcome } = operation;
    if (outcome === undefined || outcome.kind === "ok") continue;
    const expected =
      outcome.kind === "failed" &&
      (everywhere.includes(outcome.code) ||
        (expectedCodes[call.verb] ?? []).includes(outcome.code));
    if (!expected) world.violate("P15 error codes", call.key, describeOperation(operation));
  }
}
