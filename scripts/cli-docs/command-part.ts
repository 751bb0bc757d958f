/** What a page says of one command. */
import { exitNotes } from "./exit-notes.ts";
import { type ManifestCommand, type ManifestFlag, typed } from "./manifest.ts";

/** Flags of this group stand on the first page only. */
export const globalGroup = "GLOBAL";

/** `<%= config.bin %>` as the reader types it. */
function plain(text: string): string {
  return text.replaceAll("<%= config.bin %>", "lockd").replaceAll("<%= command.id %>", "");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;");
}

function usageLines({ id, usage, args, strict }: ManifestCommand): string[] {
  if (usage !== undefined) {
    return [usage].flat().map((line) => `lockd ${plain(line).replace(/^lockd /, "")}`);
  }
  const words = Object.values(args).map(({ name, required }) =>
    required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  return [[typed(id), ...words, ...(strict ? [] : ["..."]), "[FLAGS]"].join(" ")];
}

function spelling({ name, char, type, allowNo }: ManifestFlag): string {
  const long = allowNo ? `--[no-]${name}` : `--${name}`;
  const value = type === "option" ? ` ${name.toUpperCase().replace(/.*-/, "")}` : "";
  return `\`${char === undefined ? "" : `-${char}, `}${long}${value}\``;
}

function flagText(flag: ManifestFlag): string {
  const { description = "", options, multiple, required, exclusive, env } = flag;
  const parts = [
    description,
    ...(options === undefined ? [] : [`one of ${options.map((one) => `\`${one}\``).join(", ")}`]),
    ...(required ? ["required"] : []),
    ...(multiple && !/repeat|several/.test(description) ? ["may be repeated"] : []),
    ...(exclusive ?? []).map((other) => `not with \`--${other}\``),
    ...(env === undefined ? [] : [`variable \`${env}\``]),
  ];
  return cell(parts.filter((part) => part !== "").join("; "));
}

/** Booleans are off unless said otherwise; that needs no words. */
function defaultText({ type, default: value }: ManifestFlag): string {
  if (value === undefined || (type === "boolean" && value !== true)) return "";
  return type === "boolean" ? "on" : `\`${cell(String(value))}\``;
}

/** A table of flags; nothing when there are none. */
export function flagTable(flags: readonly ManifestFlag[]): string[] {
  const shown = flags.filter(({ hidden }) => hidden !== true);
  if (shown.length === 0) return [];
  const rows = shown.map(
    (flag) => `| ${spelling(flag)} | ${flagText(flag)} | ${defaultText(flag)} |`,
  );
  return ["| flag | meaning | default |", "|---|---|---|", ...rows, ""];
}

export function globalFlagsOf({ flags }: ManifestCommand): ManifestFlag[] {
  return Object.values(flags).filter(({ helpGroup }) => helpGroup === globalGroup);
}

function argumentLines({ args }: ManifestCommand): string[] {
  const lines = Object.values(args).map(
    ({ name, description = "" }) => `- \`${name.toUpperCase()}\`: ${description}`,
  );
  return lines.length === 0 ? [] : [...lines, ""];
}

function aliasLines({ aliases, hiddenAliases }: ManifestCommand): string[] {
  const all = [...aliases, ...hiddenAliases].map((alias) => `\`${typed(alias)}\``);
  return all.length === 0 ? [] : [`Also ${all.join(", ")}.`, ""];
}

function jsonLines(form: string | undefined, level: string): string[] {
  if (form === undefined) return [];
  return [`${level} As JSON`, "", "```json", ...form.split("\n"), "```", ""];
}

/** Everything about a command below its heading; `level` is the heading's own. */
export function commandPart(
  command: ManifestCommand,
  options: { readonly level: "#" | "##"; readonly jsonForm: string | undefined },
): string[] {
  const { summary = "", description, examples = [] } = command;
  const own = Object.values(command.flags).filter(({ helpGroup }) => helpGroup !== globalGroup);
  const below = `${options.level}#`;
  const codes = exitNotes(command.id).map(({ code, meaning }) => `| ${code} | ${cell(meaning)} |`);
  return [
    `${options.level} ${typed(command.id)}`,
    "",
    `${plain(summary)}.`,
    "",
    ...(description === undefined ? [] : [plain(description), ""]),
    "```text",
    ...usageLines(command),
    "```",
    "",
    ...argumentLines(command),
    ...aliasLines(command),
    ...(examples.length === 0 ? [] : ["```sh", ...examples.map(plain), "```", ""]),
    ...flagTable(own),
    ...jsonLines(options.jsonForm, below),
    `${below} Exit codes`,
    "",
    "| code | meaning |",
    "|---|---|",
    ...codes,
    "",
  ];
}
