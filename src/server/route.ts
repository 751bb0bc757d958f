import type { ServedLockd } from "../api/lockd.ts";
import type { Exchange } from "./exchange.ts";

/** What a path does; one for all methods unless it looks at the method itself. */
export interface Route {
  /** The verb, for logs. */
  readonly operation: string;
  readonly run: (lockd: ServedLockd, exchange: Exchange) => Promise<void>;
}

/** A family of paths: exact, no prefix, no trailing slash (http-core.md section 1). */
export type Routes = Readonly<Record<string, Route>>;
