/** The pure transitions of one key, told as stories (test/transcripts/lease). */
import { createHash } from "node:crypto";
import path from "node:path";
import { LockdApiError } from "../../src/api/errors.ts";
import type { Key, Namespace } from "../../src/api/names.ts";
import { grantLease } from "../../src/engine/lease/grant.ts";
import { keepLeaseAlive } from "../../src/engine/lease/keepalive.ts";
import { holderView, type LeaseClaim } from "../../src/engine/lease/lease-rules.ts";
import { releaseLease } from "../../src/engine/lease/release.ts";
import {
  absentRecord,
  type KeyRecord,
  type StoredState,
} from "../../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../../src/engine/record/record-codec.ts";
import { stageMetadata, stageRemoval, stageState } from "../../src/engine/state/stage.ts";
import type { Decision } from "../../src/engine/transition.ts";
import { describeTranscripts, type Interpreter, parseCommand } from "../support/transcript.ts";

const namespace = "default" as Namespace;
const key = "k" as Key;

function stored(text: string): StoredState {
  const bytes = new TextEncoder().encode(text);
  return {
    etag: createHash("sha256").update(bytes).digest("hex").slice(0, 6),
    size: bytes.length,
    place: text.length > 12 ? { kind: "object", name: `b/${text}` } : { kind: "inline", bytes },
  };
}

function shownState(state: StoredState | undefined): string {
  if (state === undefined) return "none";
  return state.place.kind === "inline"
    ? new TextDecoder().decode(state.place.bytes)
    : `object:${state.place.name}`;
}

function shownRecord(record: KeyRecord | undefined): string {
  if (record === undefined) return "  record absent";
  const { lease, staged } = record;
  const parts = [
    `v=${record.version}`,
    `token=${record.fencingToken}`,
    `state=${shownState(record.state)}`,
  ];
  if (record.queryHidden !== undefined) parts.push(`hidden=${record.queryHidden}`);
  parts.push(
    lease === undefined
      ? "free"
      : `held by ${lease.owner} (${lease.id}) until ${lease.expiresAtUnix}`,
  );
  if (staged !== undefined) {
    const what = staged.removed ? "removal" : shownState(staged.state);
    const hidden = staged.queryHidden === undefined ? "" : ` hidden=${staged.queryHidden}`;
    parts.push(`staged v=${staged.version} ${what}${hidden}`);
  }
  return `  record ${parts.join(" ")}`;
}

function shownAnswer(answer: unknown): string {
  return JSON.stringify(answer, (name, value: unknown) =>
    ["record", "lease", "view", "etag"].includes(name) && typeof value === "object"
      ? undefined
      : value,
  );
}

/** Keeps one record, and passes it through its stored form between all steps. */
function newStory(): Interpreter {
  let record: KeyRecord | undefined;
  let leases = 0;
  function carryOut(decision: Decision<unknown>): string[] {
    const next = decision.kind === "keep" ? undefined : decision.next;
    const lines: string[] = [];
    if (decision.kind === "refuse") {
      const { error } = decision;
      const seen =
        error instanceof LockdApiError ? ` (current version ${error.currentVersion})` : "";
      lines.push(`  refused ${error.code}${seen}`);
    } else {
      lines.push(`  ${decision.kind} ${shownAnswer(decision.answer)}`);
    }
    if (next !== undefined) record = decodeRecord("k", encodeRecord(next, `w${leases}`)).record;
    lines.push(shownRecord(record));
    if (decision.kind !== "keep" && decision.garbage.length > 0) {
      lines.push(`  garbage ${decision.garbage.join(" ")}`);
    }
    return lines;
  }
  return (command) => {
    const { verb, args } = parseCommand(command);
    const now = Number(args.get("t"));
    const cas = {
      ifVersion: args.has("if-version") ? Number(args.get("if-version")) : undefined,
      ifStateEtag: args.get("if-etag"),
    };
    const claim: LeaseClaim = {
      namespace,
      key,
      leaseId: args.get("lease") ?? `L${leases}`,
      fencingToken: Number(args.get("token") ?? record?.lease?.fencingToken ?? 0),
      txnId: args.get("txn") ?? record?.lease?.txnId ?? "T?",
    };
    switch (verb) {
      case "acquire":
        leases += 1;
        return carryOut(
          grantLease(
            record,
            {
              namespace,
              key,
              owner: args.get("owner") ?? "w",
              ttlSeconds: Number(args.get("ttl") ?? 30),
              ifNotExists: args.has("create-only"),
              leaseId: `L${leases}`,
              txnId: args.get("txn") ?? `T${leases}`,
              explicit: args.has("txn"),
            },
            now,
          ),
        );
      case "keepalive":
        return carryOut(
          keepLeaseAlive(record, { claim, ttlSeconds: Number(args.get("ttl")) }, now),
        );
      case "release":
        return carryOut(
          releaseLease(
            record,
            { claim, rollback: args.has("rollback"), isJoined: args.has("joined") },
            now,
          ),
        );
      case "update": {
        const queryHidden = args.has("hidden") ? args.get("hidden") === "true" : undefined;
        const release = args.has("and-release");
        const state = stored(args.get("state") ?? "{}");
        return carryOut(stageState(record, { claim, cas, state, queryHidden, release }, now));
      }
      case "remove":
        return carryOut(stageRemoval(record, { claim, cas }, now));
      case "metadata":
        return carryOut(
          stageMetadata(
            record,
            { claim, ifVersion: cas.ifVersion, queryHidden: args.get("hidden") === "true" },
            now,
          ),
        );
      case "view": {
        const view = holderView(record ?? absentRecord);
        return [`  holder sees v=${view.version} ${shownState(view.state)}`];
      }
      default:
        throw new Error(`unknown command ${verb}`);
    }
  };
}

describeTranscripts(path.join(import.meta.dirname, "../transcripts/lease"), newStory);
