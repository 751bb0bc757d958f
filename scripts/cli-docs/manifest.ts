/** The commands as oclif's manifest lists them; what `npm run build` wrote last. */
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..", "..");

export interface ManifestFlag {
  readonly name: string;
  readonly type: "option" | "boolean";
  readonly char?: string;
  readonly description?: string;
  readonly env?: string;
  readonly default?: unknown;
  readonly options?: readonly string[];
  readonly multiple?: boolean;
  readonly allowNo?: boolean;
  readonly required?: boolean;
  readonly hidden?: boolean;
  readonly exclusive?: readonly string[];
  readonly helpGroup?: string;
}

export interface ManifestArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
}

export interface ManifestCommand {
  /** Words joined by colons, `txn:commit`. */
  readonly id: string;
  readonly summary?: string;
  readonly description?: string;
  readonly usage?: string | readonly string[];
  readonly examples?: readonly string[];
  readonly flags: Readonly<Record<string, ManifestFlag>>;
  readonly args: Readonly<Record<string, ManifestArgument>>;
  readonly hiddenAliases: readonly string[];
  readonly aliases: readonly string[];
  readonly hidden?: boolean;
  /** False when it takes more words than `args` names. */
  readonly strict: boolean;
}

/** All commands, in the order of their names. */
export function readManifest(): ManifestCommand[] {
  const text = readFileSync(path.join(root, "oclif.manifest.json"), "utf8");
  const { commands } = JSON.parse(text) as { commands: Record<string, ManifestCommand> };
  return Object.values(commands).sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** What a topic is about, from package.json; undefined for topics that nobody described. */
export function topicDescription(topic: string): string | undefined {
  const text = readFileSync(path.join(root, "package.json"), "utf8");
  const { oclif } = JSON.parse(text) as {
    oclif: { topics?: Record<string, { description?: string }> };
  };
  return oclif.topics?.[topic]?.description;
}

/** The command as one types it: `lockd txn commit`. */
export function typed(id: string): string {
  return ["lockd", ...id.split(":")].join(" ");
}
