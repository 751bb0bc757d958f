import type { QueryRequest } from "../../api/queries.ts";
import { parseSelector } from "../../lql/selector/parse-selector.ts";
import { firstGiven } from "../lease-input.ts";
import { UsageError } from "../usage-error.ts";
import { parseWhole } from "../values.ts";

interface QueryFlags {
  readonly namespace?: string | undefined;
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
  readonly engine?: string | undefined;
  readonly refresh?: string | undefined;
  readonly documents?: boolean | undefined;
  readonly directory?: string | undefined;
  readonly file?: string | undefined;
  readonly rows?: boolean | undefined;
  readonly output?: string | undefined;
}

export interface QueryInput {
  readonly request: QueryRequest;
  readonly documents: boolean;
}

/**
 * What to ask, and in which mode: several selectors are lines of one text.
 * @throws UsageError, LqlSyntaxError
 */
export function queryInput(flags: QueryFlags, selectors: readonly string[]): QueryInput {
  if (selectors.length === 0) {
    throw new UsageError('name a selector, for example /status=open; "" stands for everything');
  }
  const documents = flags.documents === true || flags.directory !== undefined;
  if (flags.directory !== undefined && flags.file !== undefined) {
    throw new UsageError("--directory cannot be combined with --file");
  }
  if (documents && flags.output === "text") {
    throw new UsageError("--output text lists keys; documents are always JSON");
  }
  if (flags.rows === true && !documents) {
    throw new UsageError("--rows goes with --documents or --directory");
  }
  const limit = firstGiven(flags.limit);
  const request: QueryRequest = {
    namespace: firstGiven(flags.namespace),
    selector: parseSelector(selectors.join("\n")),
    limit: limit === undefined ? undefined : parseWhole(limit, "--limit", 0),
    cursor: firstGiven(flags.cursor),
    engine: firstGiven(flags.engine),
    refresh: firstGiven(flags.refresh),
  };
  return { request, documents };
}
