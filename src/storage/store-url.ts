import { failure } from "../api/errors.ts";

/** A store URL taken apart (security-and-operations.md section 10.1). */
export type StoreUrl =
  | { readonly kind: "memory" }
  | { readonly kind: "disk"; readonly directory: string };

const examples = "for example disk:///var/lib/lockd or mem://";
const later = new Set(["s3", "aws", "azure"]);

/**
 * @throws invalid_store with an example of a right one
 * @example parseStoreUrl("disk:///var/lib/lockd") // { kind: "disk", directory: "/var/lib/lockd" }
 */
export function parseStoreUrl(text: string): StoreUrl {
  const trimmed = text.trim();
  const match = /^([a-z0-9+.-]+):\/\/([^?#]*)([?#].*)?$/i.exec(trimmed);
  const scheme = match?.[1]?.toLowerCase();
  if (match === null || scheme === undefined) {
    throw failure("invalid_store", `"${trimmed}" is not a store URL; write ${examples}`);
  }
  const rest = match[2] ?? "";
  if (match[3] !== undefined) {
    throw failure("invalid_store", `"${trimmed}": ${scheme}:// takes no options in this version`);
  }
  if (scheme === "mem" || scheme === "memory") {
    if (rest === "" || rest === "/") return { kind: "memory" };
    throw failure("invalid_store", `"${trimmed}": a memory store has no path; write mem://`);
  }
  if (scheme === "disk") return { kind: "disk", directory: diskDirectory(trimmed, rest) };
  const known = later.has(scheme) ? "is not in this version of lockd yet" : "is unknown";
  throw failure(
    "invalid_store",
    `"${trimmed}": the scheme ${scheme}:// ${known}; write ${examples}`,
  );
}

/** `disk://a/b` means `/a/b`; relative paths are impossible. */
function diskDirectory(text: string, rest: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(rest);
  } catch {
    throw failure("invalid_store", `"${text}": the path has a broken percent escape`);
  }
  const path = `/${decoded.replace(/^\/+/, "").replace(/\/+$/, "")}`;
  if (path === "/" || decoded.includes("\0")) {
    throw failure("invalid_store", `"${text}": name a directory, ${examples}`);
  }
  if (path.split("/").some((part) => part === "." || part === "..")) {
    throw failure("invalid_store", `"${text}": the path must not contain . or ..`);
  }
  return path;
}

/** The URL of a directory on this machine; the inverse of {@link parseStoreUrl}. */
export function diskStoreUrl(directory: string): string {
  return `disk://${directory.split("/").map(encodeURIComponent).join("/")}`;
}
