/**
 * Clients in a process of their own. In one process for all runs the later ones were slowed by what
 * the earlier ones had left, and the server looked slow for it.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import type { Measured } from "./children.ts";
import type { LoadOptions, LoadResult } from "./load.ts";
import type { CycleName } from "./named-cycles.ts";

const program = path.join(import.meta.dirname, "cycle-load.ts");

/** @throws when a request fails, with the program's standard error on ours */
export function loadApart(
  server: Pick<Measured, "pid" | "url">,
  { cycle, seconds, connections }: Omit<LoadOptions, "cycle"> & { readonly cycle: CycleName },
): LoadResult {
  const words = [server.pid, server.url, cycle, seconds, connections].map(String);
  const printed = execFileSync(process.execPath, ["--no-warnings", program, ...words]);
  return JSON.parse(printed.toString()) as LoadResult;
}
