/**
 * The sequential specification of one key (http-core.md section 8): what each answer says about
 * the state before it, and what each call does to it. Leases are named by their fencing tokens.
 */
import type { Answer } from "./answer.ts";
import type { AcquireCall, RemoveCall, UpdateCall } from "./calls.ts";
import { afterFileCall, afterFileChange, hasStaged, versionInView } from "./file-model.ts";
import type { Files } from "./files.ts";
import type { Operation } from "./history.ts";

/** The lease of a caller who never got its answer. */
const ghost = -1;

export interface KeyState {
  /** Highest token known to be handed out; a lower bound once a ghost was granted. */
  readonly token: number;
  readonly loose: boolean;
  /** Token of the lease, {@link ghost}, or 0 for none. */
  readonly lease: number;
  /** When the lease ends: between these (equal unless a keepalive was never answered). */
  readonly endFromMs: number;
  readonly endToMs: number;
  readonly version: number;
  /** "" for no state. */
  readonly etag: string;
  readonly staged: "none" | "state" | "removal";
  readonly stagedVersion: number;
  readonly stagedEtag: string;
  /** Committed attachments. */
  readonly files: Files;
  /** What they become unless a removal stays staged; undefined: they were not changed. */
  readonly stagedFiles: Files | undefined;
  readonly lastLease: number;
  readonly lastVersion: number;
  readonly lastEtag: string;
}

export const freshKey: KeyState = {
  token: 0,
  loose: false,
  lease: 0,
  endFromMs: 0,
  endToMs: 0,
  version: 0,
  etag: "",
  staged: "none",
  stagedVersion: 0,
  stagedEtag: "",
  files: "",
  stagedFiles: undefined,
  lastLease: 0,
  lastVersion: 0,
  lastEtag: "",
};

export interface ModelRules {
  /** Virtual time at which the Unix epoch of the answers began. */
  readonly epochMs: number;
  /** With wrong clocks a lease may end at any time; then tokens are all the safety there is. */
  readonly clockFaults: boolean;
}

const readVerbs = new Set(["get", "status", "files", "readFile"]);
const notHeldCodes = new Set(["lease_required", "lease_expired", "fencing_mismatch"]);

export class KeyModel {
  readonly #rules: ModelRules;

  constructor(rules: ModelRules) {
    this.#rules = rules;
  }

  /** The states that may follow when this answered operation takes effect in `state`. */
  after(state: KeyState, operation: Operation): readonly KeyState[] {
    const { outcome } = operation;
    if (outcome?.kind === "ok") return this.#afterOk(state, operation, outcome.answer);
    if (outcome?.kind === "failed") return this.#afterRefusal(state, operation, outcome.code);
    return [];
  }

  /** The other states that may follow when it took effect although nobody was told. */
  afterUnheard(state: KeyState, operation: Operation): readonly KeyState[] {
    const { call } = operation;
    switch (call.verb) {
      case "acquire":
        return this.#withoutExpired(state, operation)
          .filter(({ lease }) => lease === 0)
          .filter(({ token }) => !call.ifNotExists || token === 0)
          .map((free) => ({ ...free, token: free.token + 1, loose: true, lease: ghost }));
      case "keepAlive":
        if (state.lease !== call.lease.fencingToken || state.endToMs === Infinity) return [];
        return [{ ...state, endToMs: Number.POSITIVE_INFINITY }];
      case "update": {
        if (state.lease !== call.lease.fencingToken || !casHolds(state, call)) return [];
        const next = call.fused ? ended(updated(state, call), true) : updated(state, call);
        return isSame(next, state) ? [] : [next];
      }
      case "remove":
        if (state.lease !== call.lease.fencingToken || !casHolds(state, call)) return [];
        return nothingToRemove(state) ? [] : [removed(state)];
      case "release":
        return state.lease === call.lease.fencingToken ? [ended(state, !call.rollback)] : [];
      case "attach":
      case "detach": {
        if (state.lease !== call.lease.fencingToken) return [];
        const next = afterFileChange(state, call);
        return isSame(next, state) ? [] : [next];
      }
      default:
        return [];
    }
  }

  /** True for calls whose effect is worth trying when nobody heard their answer. */
  static canTakeEffect(operation: Operation): boolean {
    return !readVerbs.has(operation.call.verb);
  }

  #afterOk(state: KeyState, operation: Operation, answer: Answer): readonly KeyState[] {
    const { call } = operation;
    switch (call.verb) {
      case "acquire":
        return this.#acquired(state, operation, answer);
      case "keepAlive": {
        if (!this.#isHolder(state, operation, call.lease.fencingToken)) return [];
        if (answer.version !== versionInView(state) || answer.etag !== viewEtag(state)) return [];
        return [this.#endingAt(state, answer)];
      }
      case "update":
        return this.#updateOk(state, operation, { call, answer });
      case "remove":
        return this.#removeOk(state, operation, { call, answer });
      case "get": {
        if (call.lease === undefined) {
          return readMatches(answer, state.etag, state.version) ? [state] : [];
        }
        if (!this.#isHolder(state, operation, call.lease.fencingToken)) return [];
        const version = state.staged === "state" ? state.stagedVersion : state.version;
        return readMatches(answer, viewEtag(state), version) ? [state] : [];
      }
      case "release": {
        if (state.lease !== call.lease.fencingToken) return [state];
        const over = this.#expired(state, operation);
        const done = ended(state, !call.rollback);
        return over === undefined ? [done] : [done, over];
      }
      case "attach":
      case "detach":
      case "files":
      case "readFile": {
        if (call.lease !== undefined) {
          if (!this.#isHolder(state, operation, call.lease.fencingToken)) return [];
        }
        const next = afterFileCall(state, call, answer);
        return next === undefined ? [] : [next];
      }
      default:
        return this.#statusOk(state, operation, answer);
    }
  }

  #acquired(state: KeyState, operation: Operation, answer: Answer): readonly KeyState[] {
    const token = answer.token ?? 0;
    const exact = (operation.call as AcquireCall).ifNotExists;
    return this.#withoutExpired(state, operation)
      .filter((free) => free.lease === 0 && token > free.token)
      .filter((free) => !exact || free.token === 0)
      .filter((free) => answer.version === free.version && answer.etag === free.etag)
      .map((free) => this.#endingAt({ ...free, token, lease: token }, answer));
  }

  #updateOk(
    state: KeyState,
    operation: Operation,
    { call, answer }: { readonly call: UpdateCall; readonly answer: Answer },
  ): readonly KeyState[] {
    const token = call.lease.fencingToken;
    const isRepeat =
      call.fused &&
      state.lastLease === token &&
      state.lastEtag === call.etag &&
      state.lastVersion === answer.version;
    if (isRepeat) return [state];
    if (!this.#isHolder(state, operation, token) || !casHolds(state, call)) return [];
    const next = updated(state, call);
    if (next.stagedVersion !== answer.version) return [];
    return [call.fused ? ended(next, true) : next];
  }

  #removeOk(
    state: KeyState,
    operation: Operation,
    { call, answer }: { readonly call: RemoveCall; readonly answer: Answer },
  ): readonly KeyState[] {
    if (!this.#isHolder(state, operation, call.lease.fencingToken)) return [];
    if (!casHolds(state, call)) return [];
    if (answer.removed !== true) {
      return nothingToRemove(state) && answer.version === state.version ? [state] : [];
    }
    const next = removed(state);
    return !nothingToRemove(state) && answer.version === next.stagedVersion ? [next] : [];
  }

  #statusOk(state: KeyState, operation: Operation, answer: Answer): readonly KeyState[] {
    if (answer.version !== state.version || answer.etag !== state.etag) return [];
    const token = answer.token ?? 0;
    if (state.loose ? token < state.token : token !== state.token) return [];
    if (answer.held === true) {
      return state.lease !== 0 && this.#mayRun(state, operation) ? [state] : [];
    }
    const over = state.lease === 0 || this.#mayHaveEnded(state, operation);
    return over ? [state] : [];
  }

  #afterRefusal(state: KeyState, operation: Operation, code: string): readonly KeyState[] {
    const { call } = operation;
    if (call.verb === "acquire") {
      if (code === "already_exists") return state.token > 0 ? [state] : [];
      return state.lease !== 0 && this.#mayRun(state, operation) ? [state] : [];
    }
    if (call.verb === "status" || call.lease === undefined) return [];
    const token = call.lease.fencingToken;
    if (notHeldCodes.has(code)) {
      return this.#withoutExpired(state, operation).filter(({ lease }) => lease !== token);
    }
    if (call.verb !== "update" && call.verb !== "remove") return [];
    return this.#isHolder(state, operation, token) && !casHolds(state, call) ? [state] : [];
  }

  #endingAt(state: KeyState, answer: Answer): KeyState {
    const endMs = (answer.expiresAtUnix ?? 0) * 1000 - this.#rules.epochMs;
    return { ...state, endFromMs: endMs, endToMs: endMs };
  }

  #isHolder(state: KeyState, operation: Operation, token: number): boolean {
    return state.lease === token && this.#mayRun(state, operation);
  }

  /** A lease that ended before the call was made cannot have allowed it. */
  #mayRun(state: KeyState, operation: Operation): boolean {
    return this.#rules.clockFaults || state.lease === ghost || operation.invokedMs < state.endToMs;
  }

  #mayHaveEnded(state: KeyState, operation: Operation): boolean {
    if (state.lease === 0) return false;
    if (this.#rules.clockFaults || state.lease === ghost) return true;
    return operation.answeredMs >= state.endFromMs;
  }

  #expired(state: KeyState, operation: Operation): KeyState | undefined {
    return this.#mayHaveEnded(state, operation) ? ended(state, false) : undefined;
  }

  /** The state as it is, and as it is once its lease ran out if that may be. */
  #withoutExpired(state: KeyState, operation: Operation): readonly KeyState[] {
    const over = this.#expired(state, operation);
    return over === undefined ? [state] : [state, over];
  }
}

function casHolds(state: KeyState, { cas }: UpdateCall | RemoveCall): boolean {
  // D8: while only attachments are staged the committed version is accepted too.
  const tolerated = state.staged === "none" ? state.version : versionInView(state);
  const matches = cas.ifVersion === versionInView(state) || cas.ifVersion === tolerated;
  if (cas.ifVersion !== undefined && !matches) return false;
  // The etag test alone does not notice a staged removal (section 8.2).
  const etag = state.staged === "state" ? state.stagedEtag : state.etag;
  return cas.ifStateEtag === undefined || cas.ifStateEtag === etag;
}

function viewEtag(state: KeyState): string {
  if (state.staged === "removal") return "";
  return state.staged === "state" ? state.stagedEtag : state.etag;
}

function nothingToRemove(state: KeyState): boolean {
  return state.staged === "none" && state.etag === "";
}

function readMatches(answer: Answer, etag: string, version: number): boolean {
  if (etag === "") return answer.exists === false;
  return answer.exists === true && answer.etag === etag && answer.version === version;
}

function updated(state: KeyState, call: UpdateCall): KeyState {
  const stagedVersion = hasStaged(state) ? state.stagedVersion : state.version + 1;
  return { ...state, staged: "state", stagedVersion, stagedEtag: call.etag };
}

function removed(state: KeyState): KeyState {
  const stagedVersion = versionInView(state) + 1;
  return { ...state, staged: "removal", stagedVersion, stagedEtag: "" };
}

/** The state without its lease, what was staged committed or dropped. */
function ended(state: KeyState, commits: boolean): KeyState {
  const free: KeyState = {
    ...state,
    lease: 0,
    endFromMs: 0,
    endToMs: 0,
    staged: "none",
    stagedVersion: 0,
    stagedEtag: "",
    stagedFiles: undefined,
  };
  if (!commits || !hasStaged(state)) return free;
  const version = state.stagedVersion;
  const files = state.staged === "removal" ? "" : (state.stagedFiles ?? state.files);
  if (state.staged === "none") return { ...free, version, files };
  const etag = state.staged === "state" ? state.stagedEtag : "";
  return {
    ...free,
    version,
    etag,
    files,
    lastLease: state.lease,
    lastVersion: version,
    lastEtag: etag,
  };
}

function isSame(one: KeyState, other: KeyState): boolean {
  return stateText(one) === stateText(other);
}

/** A state as text, equal exactly for equal states. */
export function stateText(state: KeyState): string {
  return (
    `${state.token}${state.loose ? "~" : ""},${state.lease},${state.endFromMs},${state.endToMs},` +
    `${state.version},${state.etag},${state.staged},${state.stagedVersion},${state.stagedEtag},` +
    `${state.files},${state.stagedFiles ?? "-"},` +
    `${state.lastLease},${state.lastVersion},${state.lastEtag}`
  );
}
