/** What the sequential specification says of attachments (http-core.md sections 8.2 and 10.10). */
import type { Answer } from "./answer.ts";
import type { AttachCall, DetachCall, FileCall } from "./file-calls.ts";
import { countOf, type Files, shortSum, sumOf, withFile, without } from "./files.ts";
import type { KeyState } from "./model.ts";

/** As if no removal were staged: what a later update would bring back. */
function besideRemoval(state: KeyState): Files {
  return state.stagedFiles ?? state.files;
}

export function filesInView(state: KeyState): Files {
  return state.staged === "removal" ? "" : besideRemoval(state);
}

/** What the answers of changes report: the staged version once anything is staged. */
export function versionInView(state: KeyState): number {
  return hasStaged(state) ? state.stagedVersion : state.version;
}

export function hasStaged(state: KeyState): boolean {
  return state.staged !== "none" || state.stagedFiles !== undefined;
}

function changed(state: KeyState, stagedFiles: Files): KeyState {
  const stagedVersion = hasStaged(state) ? state.stagedVersion : state.version + 1;
  return { ...state, stagedFiles, stagedVersion };
}

/** The state after an upload took effect, and the sum its answer shows. */
function attached(state: KeyState, call: AttachCall): { next: KeyState; sum: string } {
  const view = sumOf(filesInView(state), call.name);
  const taken = view === "" ? sumOf(state.files, call.name) : view;
  if (call.preventOverwrite && taken !== "") return { next: state, sum: taken };
  const sum = shortSum(call.sha256);
  return { next: changed(state, withFile(besideRemoval(state), call.name, sum)), sum };
}

function detached(state: KeyState, { name }: DetachCall): { next: KeyState; deleted: number } {
  const view = filesInView(state);
  if (name === undefined) {
    const next = state.staged === "removal" ? state : changed(state, "");
    return { next, deleted: countOf(view) };
  }
  if (sumOf(view, name) === "") return { next: state, deleted: 0 };
  return { next: changed(state, without(view, name)), deleted: 1 };
}

/** The effect of a change of attachments made by the holder. */
export function afterFileChange(state: KeyState, call: AttachCall | DetachCall): KeyState {
  return call.verb === "attach" ? attached(state, call).next : detached(state, call).next;
}

/** The state after a call of the holder (or a public read), or undefined: not this answer. */
export function afterFileCall(
  state: KeyState,
  call: FileCall,
  answer: Answer,
): KeyState | undefined {
  switch (call.verb) {
    case "attach": {
      const { next, sum } = attached(state, call);
      const fits = answer.noop === (next === state) && shortSum(answer.file ?? "") === sum;
      return fits && answer.version === versionInView(next) ? next : undefined;
    }
    case "detach": {
      const { next, deleted } = detached(state, call);
      const fits = answer.deleted === deleted && answer.version === versionInView(next);
      return fits ? next : undefined;
    }
    case "files":
      return answer.files === visible(state, call.lease) ? state : undefined;
    default: {
      const sum = sumOf(visible(state, call.lease), call.name);
      return shortSum(answer.file ?? "") === sum ? state : undefined;
    }
  }
}

function visible(state: KeyState, lease: object | undefined): Files {
  return lease === undefined ? state.files : filesInView(state);
}
