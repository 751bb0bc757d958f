import type { Lockd, LockdCall, UpdateRequest, UpdateResult } from "../api/lockd.ts";
import { commandInput } from "./input.ts";
import { compactInput, resolvedType, type StateType } from "./state-format.ts";

/** Reads the input and stages it; JSON and YAML are checked here, raw bytes are streamed. */
export async function sendState(
  lockd: Lockd,
  parts: {
    readonly request: UpdateRequest;
    readonly call: LockdCall;
    readonly input: string | undefined;
    readonly type: StateType;
  },
): Promise<UpdateResult> {
  const input = commandInput(parts.input);
  const type = resolvedType(parts.type, parts.input);
  const body =
    type === "raw" ? input.stream() : await compactInput(await input.bytes(), type, input.name);
  return lockd.update(parts.request, body, parts.call);
}
