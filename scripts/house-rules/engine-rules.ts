/** The engine takes clock, randomness, timers, process and I/O as arguments (style.md rule 1). */
import ts from "typescript";
import { type Finding, lineOf, type SourceModule } from "./source-tree.ts";

/** Pure functions of Node that decide nothing and touch nothing. */
const pureModules = new Set(["node:assert", "node:crypto", "node:zlib"]);

/** Of `node:crypto` only hashing is pure; of `node:zlib` only the checksum. */
const pureNames: Readonly<Record<string, ReadonlySet<string>>> = {
  "node:crypto": new Set(["createHash", "hash", "Hash"]),
  "node:zlib": new Set(["crc32"]),
};

const bannedGlobals = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "process",
  "fetch",
  "performance",
  "crypto",
  "console",
]);

const bannedMembers = new Set(["Date.now", "Math.random", "performance.now"]);

export function engineFindings(modules: readonly SourceModule[]): Finding[] {
  return modules.filter(({ file }) => file.startsWith("src/engine/")).flatMap(moduleFindings);
}

function moduleFindings(module: SourceModule): Finding[] {
  const { file, tree } = module;
  const findings: Finding[] = [];
  const report = (node: ts.Node, what: string): void => {
    const message = `${what} is not available in the engine; take it as a port`;
    findings.push({ file, line: lineOf(tree, node), rule: "engine-purity", message });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      for (const name of impureImports(node)) report(node, name);
      return;
    }
    if (ts.isPropertyAccessExpression(node) && bannedMembers.has(node.getText(tree))) {
      report(node, node.getText(tree));
      return;
    }
    if (ts.isNewExpression(node) && node.expression.getText(tree) === "Date") {
      if ((node.arguments?.length ?? 0) === 0) report(node, "new Date()");
    }
    if (ts.isIdentifier(node) && bannedGlobals.has(node.text) && isReference(node)) {
      report(node, node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return findings;
}

function impureImports(node: ts.ImportDeclaration): string[] {
  const specifier = ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : "";
  if (specifier.startsWith(".")) return [];
  if (!pureModules.has(specifier)) return [specifier];
  const names = pureNames[specifier];
  const bindings = node.importClause?.namedBindings;
  if (names === undefined || bindings === undefined) return [];
  if (!ts.isNamedImports(bindings)) return [`* of ${specifier}`];
  return bindings.elements
    .map((element) => (element.propertyName ?? element.name).text)
    .filter((name) => !names.has(name))
    .map((name) => `${name} of ${specifier}`);
}

/** True when an identifier is read as a variable, not a property, member or declaration name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  const declares =
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isParameter(parent) ||
    ts.isVariableDeclaration(parent);
  return !declares || (ts.isVariableDeclaration(parent) && parent.initializer === node);
}
