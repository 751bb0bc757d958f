/** The settings that stood on the command line of `lockd context add`. */
import { parseEndpoints } from "../../client/endpoints.ts";
import { UsageError } from "../usage-error.ts";
import { parseWhole } from "../values.ts";
import { type Context, type ContextSetting, contextSettings } from "./context-file.ts";

/** Only what was typed: a variable of this shell is no property of a context. @throws UsageError */
export function contextInput(
  flags: Readonly<Record<string, unknown>>,
  typed: ReadonlySet<string>,
): Context {
  const settings: Partial<Record<ContextSetting, string>> = {};
  for (const setting of contextSettings) {
    const value = typed.has(setting) ? String(flags[setting]).trim() : "";
    if (value !== "") settings[setting] = value;
  }
  const places = (["server", "island", "store"] as const).filter((place) => settings[place]);
  if (places.length !== 1) {
    throw new UsageError("a context needs exactly one of --server, --island and --store");
  }
  if (settings.server !== undefined) checkServer(settings.server);
  const { store } = settings;
  if (store !== undefined && !/^[a-z0-9+.-]+:\/\/\S/i.test(store)) {
    throw new UsageError(`"${store}" is not a store URL; write for example disk:///var/lib/lockd`);
  }
  if (settings.retries !== undefined) parseWhole(settings.retries, "--retries", -1);
  return settings;
}

function checkServer(text: string): void {
  try {
    parseEndpoints(text);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), error);
  }
}
