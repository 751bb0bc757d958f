/** Contexts as they are shown. */
import { columns } from "../queue/table-text.ts";
import { type Context, type ContextFile, contextSettings, shownSetting } from "./context-file.ts";

/** `current` is the one in effect, whoever chose it. */
export function contextListText(file: ContextFile, current: string | undefined): string {
  if (file.contexts.size === 0) return "";
  const rows = [...file.contexts].map(([name, context]) => [
    name === current ? "*" : "",
    name,
    placeText(context),
    context.namespace ?? "",
  ]);
  return columns([["", "NAME", "USES", "NAMESPACE"], ...rows]);
}

export function contextListJson(file: ContextFile, current: string | undefined): unknown {
  return [...file.contexts].map(([name, context]) => contextJson(name, context, current));
}

export function contextJson(name: string, context: Context, current: string | undefined): unknown {
  const settings = contextSettings.flatMap((setting) => {
    const value = context[setting];
    return value === undefined ? [] : [[setting, shownSetting(value)]];
  });
  return { name, current: name === current, ...Object.fromEntries(settings) };
}

export function contextText(name: string, context: Context, current: string | undefined): string {
  const rows = contextSettings.flatMap((setting) => {
    const value = context[setting];
    return value === undefined ? [] : [[setting, shownSetting(value)]];
  });
  return columns([["name", name], ["current", name === current ? "yes" : "no"], ...rows]);
}

function placeText({ server, island, store }: Context): string {
  if (server !== undefined) return shownSetting(server);
  if (island !== undefined) return `island ${island}`;
  return store === undefined ? "" : shownSetting(store);
}
