import type { Path } from "../path.ts";

/** How a local file becomes a string: by its content, as UTF-8 text only, or as base64. */
export type FileMode = "auto" | "text" | "base64";

/** One change of one document (query-and-lql.md section 7), blocks already flattened. */
export type Mutation =
  /** The value becomes the JSON scalar `json`. */
  | { readonly kind: "set"; readonly path: Path; readonly json: string }
  /** The JSON number `delta` is added; a missing value counts as 0. */
  | { readonly kind: "add"; readonly path: Path; readonly delta: string }
  /** The member goes away, the array element becomes null; missing is fine. */
  | { readonly kind: "remove"; readonly path: Path }
  /** The value becomes the content of a local file, as a string. */
  | {
      readonly kind: "file";
      readonly path: Path;
      readonly mode: FileMode;
      readonly file: string;
    };

/** True when applying the mutations twice gives something else than applying them once. */
export function hasStep(mutations: readonly Mutation[]): boolean {
  return mutations.some(({ kind }) => kind === "add");
}

/** True when values come from local files. */
export function readsFiles(mutations: readonly Mutation[]): boolean {
  return mutations.some(({ kind }) => kind === "file");
}
