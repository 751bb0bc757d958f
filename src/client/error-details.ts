import { apiErrorOf, type LockdApiError } from "../api/errors.ts";

/** The same error told again with more known about it; the original is its cause. */
export function retold(
  error: LockdApiError,
  more: { readonly staged?: boolean; readonly outcomeUnknown?: boolean; readonly detail?: string },
): LockdApiError {
  const { endpoint, correlationId, currentVersion, currentEtag, retryAfterMs } = error;
  return apiErrorOf(error.code, more.detail ?? error.detail, {
    status: error.status,
    operation: error.operation,
    outcomeUnknown: more.outcomeUnknown ?? error.outcomeUnknown,
    cause: error,
    ...(more.staged === undefined ? {} : { staged: more.staged }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(currentVersion === undefined ? {} : { currentVersion }),
    ...(currentEtag === undefined ? {} : { currentEtag }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
