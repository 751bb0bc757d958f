/** Who may import whom (architecture.md section 9), and no cycles. */
import path from "node:path";
import type { Finding, SourceModule } from "./source-tree.ts";

/** Folder below src/ -> folders it may import. A leading `~` allows only `await import()`. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  api: [],
  bytes: [],
  ids: [],
  lql: ["api"],
  multipart: [],
  engine: ["api", "lql"],
  storage: ["engine/ports", "api", "bytes"],
  indexing: ["engine", "storage", "lql", "api"],
  host: ["engine/ports", "ids", "api"],
  server: ["api", "bytes", "lql", "multipart", "engine/ports"],
  client: ["api", "ids", "lql", "multipart", "engine/ports"],
  local: ["api", "client", "engine/ports", "~engine", "~storage", "~indexing", "~host", "~ids"],
  cli: [
    "api",
    "lql",
    "client",
    "engine/ports",
    "local",
    "host",
    "~engine",
    "~storage",
    "~indexing",
    "~server",
    "~commands",
  ],
  commands: ["cli", "api", "lql", "client", "~engine", "~storage", "~server", "~host", "~tui"],
  tui: ["cli", "api", "client"],
  index: ["api", "lql", "client", "local", "ids", "host", "engine/ports"],
};

function layerOf(file: string): string {
  const [, second = ""] = file.split("/");
  return second === "index.ts" ? "index" : second;
}

function resolved(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
}

function isAllowed(layer: string, target: string, mayBeLazy: boolean): boolean {
  const targetLayer = layerOf(target);
  if (targetLayer === layer) return true;
  return (allowed[layer] ?? []).some((entry) => {
    const lazy = entry.startsWith("~");
    const folder = lazy ? entry.slice(1) : entry;
    return target.startsWith(`src/${folder}/`) && (!lazy || mayBeLazy);
  });
}

export function importFindings(modules: readonly SourceModule[]): Finding[] {
  const findings: Finding[] = [];
  for (const { file, imports } of modules.filter(({ file }) => file.startsWith("src/"))) {
    const layer = layerOf(file);
    if (!(layer in allowed)) {
      findings.push({ file, line: 1, rule: "layers", message: `unknown folder src/${layer}` });
      continue;
    }
    for (const { specifier, line, dynamic, typeOnly } of imports) {
      const target = resolved(file, specifier);
      if (target === undefined || isAllowed(layer, target, dynamic || typeOnly)) continue;
      const message = `${layer} may not import ${target}`;
      findings.push({ file, line, rule: "import-direction", message });
    }
  }
  return [...findings, ...cycleFindings(modules)];
}

/** Run-time import cycles; types may refer to each other. */
function cycleFindings(modules: readonly SourceModule[]): Finding[] {
  const edges = new Map<string, string[]>();
  for (const { file, imports } of modules) {
    const targets = imports
      .filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic)
      .flatMap(({ specifier }) => resolved(file, specifier) ?? []);
    edges.set(file, targets);
  }
  const findings: Finding[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    const at = trail.indexOf(file);
    if (at !== -1) {
      const message = [...trail.slice(at), file].join(" -> ");
      findings.push({ file, line: 1, rule: "import-cycle", message });
      return;
    }
    if (done.has(file)) return;
    trail.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    trail.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return findings;
}
