/** What is known of the commands before one is loaded. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { FlagShape, Vocabulary } from "./arrange-words.ts";
import type { CommandOutline } from "./completion/plan.ts";

export interface CommandNames {
  readonly id: string;
  readonly hidden?: boolean;
  readonly aliases?: readonly string[];
  readonly hiddenAliases?: readonly string[];
}

/** What every start needs of the manifest: a fiftieth of it. */
export interface ProgramOutline {
  readonly version: string;
  readonly commands: readonly CommandNames[];
  /** Flags that may stand in front of the command. */
  readonly leadingFlags: readonly FlagShape[];
}

export interface Program extends ProgramOutline {
  readonly root: string;
}

/** What oclif wrote down about the commands, so that none has to be loaded to be found. */
export interface Manifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, CommandOutline>>;
}

/** Made of the manifest with the build; below the root of the program. */
export const outlineFile = path.join("dist", "outline.json");

export function readProgram(root: string): Program {
  return { root, ...(builtOutline(root) ?? outlineOf(readManifest(root))) };
}

export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, "oclif.manifest.json"), "utf8")) as Manifest;
}

function builtOutline(root: string): ProgramOutline | undefined {
  try {
    return JSON.parse(readFileSync(path.join(root, outlineFile), "utf8")) as ProgramOutline;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export function outlineOf({ version, commands }: Manifest): ProgramOutline {
  const serve = Object.values(commands.serve?.flags ?? {});
  return {
    version,
    commands: Object.values(commands).map(namesOf),
    leadingFlags: serve.map(({ name, char, type }) => ({
      name,
      ...(char === undefined ? {} : { char }),
      takesValue: type === "option",
    })),
  };
}

function namesOf({ id, hidden, aliases = [], hiddenAliases = [] }: CommandOutline): CommandNames {
  return {
    id,
    ...(hidden === true ? { hidden } : {}),
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(hiddenAliases.length > 0 ? { hiddenAliases } : {}),
  };
}

/** The id behind a name, which may be an alias. */
export function commandId({ commands }: Program, name: string): string {
  return commands.find((command) => allNames(command).includes(name))?.id ?? name;
}

export function vocabulary({ commands, leadingFlags }: Program): Vocabulary {
  return { commands: new Set(commands.flatMap(allNames)), leadingFlags };
}

function allNames({ id, aliases = [], hiddenAliases = [] }: CommandNames): readonly string[] {
  return [id, ...aliases, ...hiddenAliases];
}
