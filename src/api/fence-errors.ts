/** Codes of the fence guard. Never on the wire. */
import { type ErrorEntry, exitCodes, local } from "./error-entry.ts";

export const fenceErrors = {
  fencing_token_stale: local(
    exitCodes.leaseLost,
    "the guard has seen a newer fencing token: somebody else holds the key by now",
    "stop the work this lease guarded; acquire again for a new token",
  ),
  fence_key_mismatch: local(
    exitCodes.conflict,
    "the guard has seen tokens of another key, and tokens of different keys cannot be compared",
    "guard one file with one key, or delete the guard when the key was changed on purpose",
  ),
  fence_unusable: local(
    exitCodes.unavailable,
    "the guard could not be read or written; nothing was changed",
    "check path, permissions and space, and that it is no network file system",
  ),
} as const satisfies Record<string, ErrorEntry>;
