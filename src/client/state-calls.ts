import { LockdConfigError, StateNotFoundError } from "../api/errors.ts";
import type * as wire from "../api/lockd.ts";
import type { BodyIn, CasConditions, StateResult, UpdateRequest } from "../api/lockd.ts";
import { jsonBody, oneShotBody, replayableBody } from "./body-input.ts";
import { callOptions } from "./call-options.ts";
import { openLocalFile, withAbsoluteFiles } from "./local-files.ts";
import { type MutateLocal, mutateLocal } from "./mutate-local.ts";
import { mutationInput } from "./mutation-input.ts";
import { Snapshot } from "./once-body.ts";
import { isOutcomeUnknown, type SessionCore } from "./session-core.ts";
import { releaseSession } from "./session-release.ts";
import type {
  BodyInput,
  Call,
  CasOptions,
  MutateLocalOptions,
  MutateOptions,
  StateAccess,
  StateSnapshot,
  UpdateOptions,
  UpdateResult,
} from "./types.ts";

/** Reads and changes of a state under a lease, with the CAS rules of client-sdk.md 5.3. */
export class StateCalls implements StateAccess {
  protected readonly core: SessionCore;

  constructor(core: SessionCore) {
    this.core = core;
  }

  get(o?: Call): Promise<StateSnapshot> {
    return this.core.guarded("get", async () => {
      const { lockd, view } = this.core;
      const state = await lockd.get(view.address(), this.core.carrierCall(o));
      view.sawToken(state.fencingToken);
      if (state.exists) view.sawState(state);
      return new Snapshot(state);
    });
  }

  async getBytes(o?: Call): Promise<Uint8Array | null> {
    const state = await this.get(o);
    return state.exists ? await state.bytes() : null;
  }

  async load<T = unknown>(o?: Call): Promise<T> {
    const state = await this.get(o);
    if (state.exists) return await state.json<T>();
    throw stateNotFound(this.core.view.facts.key);
  }

  async loadOr<T>(fallback: T, o?: Call): Promise<T> {
    const state = await this.get(o);
    return state.exists ? await state.json<T>() : fallback;
  }

  async update(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return await this.#withKept(body, (kept) => this.#send(kept, o));
  }

  updateBytes(body: Uint8Array, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return this.#send(body, o);
  }

  async updateStream(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return await this.#send(await oneShotBody(body), o);
  }

  async save(value: unknown, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return await this.#send(jsonBody(value), o);
  }

  async updateAndRelease(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return await this.#withKept(body, (kept) => this.#sendAndRelease(kept, o));
  }

  async saveAndRelease(value: unknown, o?: Call<UpdateOptions>): Promise<UpdateResult> {
    return await this.#sendAndRelease(jsonBody(value), o);
  }

  async mutate(lql: string | readonly string[], o?: Call<MutateOptions>): Promise<UpdateResult> {
    const { expressions } = mutationInput(lql, "refuse");
    return await this.#change("mutate", o, async () => {
      const { lockd, view } = this.core;
      const { queryHidden, ...rest } = callOptions(o);
      const result = await lockd.mutate(
        {
          ...view.address(),
          ...this.#conditions(rest),
          mutations: expressions,
          queryHidden,
        },
        this.core.carrierCall(o),
      );
      return this.#staged(result);
    });
  }

  async mutateLocal(
    lql: string | readonly string[],
    o?: Call<MutateLocalOptions>,
  ): Promise<UpdateResult> {
    const { baseDir, openFile, useFetchedCas = true, queryHidden, ...rest } = callOptions(o);
    const { mutations } = mutationInput(lql, "allow");
    const checked = openFile === undefined ? withAbsoluteFiles(mutations, baseDir) : mutations;
    return await this.#change("mutate", o, async () => {
      const { lockd, view } = this.core;
      const local: MutateLocal = {
        lease: view.address(),
        mutations: checked,
        openFile: openFile ?? openLocalFile,
        conditions: (fetched) => {
          view.sawToken(fetched.fencingToken);
          if (fetched.exists) view.sawState(fetched);
          return useFetchedCas ? fetchedConditions(fetched, rest) : givenConditions(rest);
        },
        queryHidden,
      };
      return this.#staged(await mutateLocal(lockd, local, this.core.carrierCall(o)));
    });
  }

  updateMetadata(
    m: { queryHidden: boolean },
    o?: Call<{ ifVersion?: number | null | undefined }>,
  ): Promise<{ version: number; queryHidden?: boolean }> {
    return this.#change("metadata", o, async () => {
      if (typeof m.queryHidden !== "boolean") {
        throw new LockdConfigError("invalid_option", "set queryHidden to true or false");
      }
      const { lockd, view } = this.core;
      const ifVersion = this.#conditions(callOptions(o)).ifVersion;
      const request = {
        ...view.address(),
        ...m,
        ...(ifVersion === undefined ? {} : { ifVersion }),
      };
      const result = await lockd.updateMetadata(request, this.core.carrierCall(o));
      view.sawToken(result.fencingToken);
      view.dirty = true;
      view.version = result.version;
      return { version: result.version, ...result.metadata };
    });
  }

  remove(o?: Call<CasOptions>): Promise<{ removed: boolean; newVersion?: number }> {
    return this.#change("remove", o, async () => {
      const { lockd, view } = this.core;
      const request = { ...view.address(), ...this.#conditions(callOptions(o)) };
      const result = await lockd.remove(request, this.core.carrierCall(o));
      view.sawToken(result.fencingToken);
      const version = result.newVersion > 0 ? result.newVersion : view.version;
      if (result.removed) view.stagedState({ version, etag: "" });
      else view.sawState({ version, etag: "" });
      return {
        removed: result.removed,
        ...(result.newVersion > 0 ? { newVersion: result.newVersion } : {}),
      };
    });
  }

  #send(body: BodyIn, o: Call<UpdateOptions> | undefined): Promise<UpdateResult> {
    return this.#change("update", o, async () => {
      const { lockd } = this.core;
      const result = await lockd.update(this.#request(o), body, this.core.carrierCall(o));
      return this.#staged(result);
    });
  }

  #staged(result: wire.UpdateResult): UpdateResult {
    const { view } = this.core;
    view.sawToken(result.fencingToken);
    view.stagedState({ version: result.newVersion, etag: result.newStateEtag });
    return updateResult(result);
  }

  /**
   * Update and commit in one durable write where the server can, else one after the other. The
   * carrier may repeat the fused call: the engine remembers the last commit of a key.
   */
  #sendAndRelease(body: BodyIn, o: Call<UpdateOptions> | undefined): Promise<UpdateResult> {
    return this.#change("update", o, async () => {
      const { lockd } = this.core;
      const request: UpdateRequest = { ...this.#request(o), release: "commit" };
      const result = await lockd
        .update(request, body, this.core.carrierCall(o))
        .catch((error: unknown) => {
          this.core.commitUnknown ||= isOutcomeUnknown(error);
          throw error;
        });
      const staged = this.#staged(result);
      if (result.released) this.core.end();
      else await releaseSession(this.core, { call: this.core.carrierCall(o), rollback: false });
      return staged;
    });
  }

  async #withKept<T>(body: BodyInput, send: (kept: BodyIn) => Promise<T>): Promise<T> {
    const kept = await replayableBody(body);
    try {
      return await send(kept.body);
    } finally {
      await kept.dispose();
    }
  }

  #change<T>(operation: string, o: Call<object> | undefined, work: () => Promise<T>): Promise<T> {
    const { core } = this;
    const run = () =>
      core.guarded(operation, async () => {
        try {
          return await work();
        } catch (error) {
          // It may be staged after all: a later lost lease must not be taken for harmless.
          if (isOutcomeUnknown(error)) core.view.dirty = true;
          throw error;
        }
      });
    return core.changes.run(run, callOptions(o).signal);
  }

  #request(o: Call<UpdateOptions> | undefined): UpdateRequest {
    const { expectedSha256, expectedBytes, queryHidden, ...rest } = callOptions(o);
    return {
      ...this.core.view.address(),
      ...this.#conditions(rest),
      expectedSha256,
      expectedBytes,
      queryHidden,
    };
  }

  #conditions(cas: CasOptions): CasConditions {
    const { view } = this.core;
    const ifVersion = cas.ifVersion === undefined ? view.version || undefined : cas.ifVersion;
    const ifStateEtag = cas.ifEtag === undefined ? view.stateEtag || undefined : cas.ifEtag;
    return givenConditions({ ifVersion, ifEtag: ifStateEtag });
  }
}

/** The error of `load` on a key without state. */
export function stateNotFound(key: string): StateNotFoundError {
  const message = `"${key}" has no state; save one first or use loadOr`;
  return new StateNotFoundError("state_not_found", message, { operation: "load" });
}

/** The etag and version that were read, unless others are given (null: none). */
function fetchedConditions(fetched: StateResult, given: CasOptions): CasConditions {
  const ifVersion = given.ifVersion === undefined ? fetched.version || null : given.ifVersion;
  const ifEtag = given.ifEtag === undefined ? fetched.etag || null : given.ifEtag;
  return givenConditions({ ifVersion, ifEtag });
}

function givenConditions({ ifVersion, ifEtag }: CasOptions): CasConditions {
  return { ifVersion: ifVersion ?? undefined, ifStateEtag: ifEtag ?? undefined };
}

function updateResult(result: wire.UpdateResult): UpdateResult {
  const { newVersion, newStateEtag, bytes, metadata } = result;
  return { newVersion, newStateEtag, bytes, ...metadata };
}
