import { failure } from "../../api/errors.ts";
import { queueRowsDefault, queueRowsMax } from "../limits.ts";

/** Rows of one answer. @throws invalid_queue_option */
export function rowLimit(raw: number | undefined): number {
  const limit = raw ?? queueRowsDefault;
  if (Number.isInteger(limit) && limit >= 1 && limit <= queueRowsMax) return limit;
  throw failure("invalid_queue_option", `limit: must be a whole number from 1 to ${queueRowsMax}`);
}
