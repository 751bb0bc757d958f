/** The numbers of style.md section 2, and how files and exports are named. */
import path from "node:path";
import ts from "typescript";
import { type Finding, lineOf, type SourceModule } from "./source-tree.ts";

/** Ratcheted: these only ever go down. */
const fileLinesMax = 400;
const commandLinesMax = 80;
const functionLinesMax = 70;
const parametersMax = 3;
const columnsMax = 100;

/** Tables and generated files: one entry a line says more than a split would. */
const tableFiles = new Set(["src/api/error-registry.ts"]);

/** An import of one long path cannot be broken. */
const unbreakable = /^(import|export|} from) .*;$/;

const forbiddenNames = /^(utils?|helpers?|misc|common|index)\.tsx?$/;

export function sizeFindings(modules: readonly SourceModule[]): Finding[] {
  return modules.flatMap((module) => [
    ...fileFindings(module),
    ...columnFindings(module),
    ...syntaxFindings(module),
  ]);
}

function fileFindings({ file, text }: SourceModule): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: string, message: string): number =>
    findings.push({ file, line: 1, rule, message });
  const lines = text.split("\n").length - 1;
  if (lines > fileLinesMax && !tableFiles.has(file)) add("file-length", `${lines} lines`);
  if (file.startsWith("src/commands/") && lines > commandLinesMax) {
    add("command-length", `${lines} lines, a command has at most ${commandLinesMax}`);
  }
  const name = path.basename(file);
  if (file.startsWith("src/") && forbiddenNames.test(name) && !allowedIndex(file)) {
    add("file-name", `${name} says nothing about what it holds`);
  }
  if (!/^[a-z0-9.-]+$/.test(name)) add("file-name", `${name} is not kebab-case`);
  return findings;
}

/** `index` is a file name only for the public entry and for topics of the command line. */
function allowedIndex(file: string): boolean {
  return file === "src/index.ts" || /^src\/commands\/.+\/index\.ts$/.test(file);
}

function columnFindings({ file, text }: SourceModule): Finding[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      line.length > columnsMax && !unbreakable.test(line)
        ? [{ file, line: at + 1, rule: "columns", message: `${line.length} columns` }]
        : [],
    );
}

function syntaxFindings({ file, tree }: SourceModule): Finding[] {
  const findings: Finding[] = [];
  const inSource = file.startsWith("src/");
  const add = (node: ts.Node, rule: string, message: string): number =>
    findings.push({ file, line: lineOf(tree, node), rule, message });
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      checkFunction(tree, node, add, inSource);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  if (!inSource) return findings;
  for (const statement of tree.statements) {
    if (isMutableState(statement)) add(statement, "module-state", "mutable state of a module");
    if (ts.isExportAssignment(statement) || isDefaultExport(statement)) {
      if (!file.startsWith("src/commands/")) add(statement, "default-export", "use a named export");
    }
  }
  return findings;
}

type Add = (node: ts.Node, rule: string, message: string) => void;

function checkFunction(
  tree: ts.SourceFile,
  node: ts.SignatureDeclaration,
  add: Add,
  inSource: boolean,
): void {
  const from = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
  const to = tree.getLineAndCharacterOfPosition(node.getEnd()).line;
  const lines = to - from + 1;
  if (inSource && lines > functionLinesMax) add(node, "function-length", `${lines} lines`);
  if (inSource && node.parameters.length > parametersMax) {
    add(node, "parameters", `${node.parameters.length} parameters; use an options object`);
  }
}

function isMutableState(statement: ts.Statement): boolean {
  return (
    ts.isVariableStatement(statement) &&
    (statement.declarationList.flags & (ts.NodeFlags.Const | ts.NodeFlags.Using)) === 0
  );
}

function isDefaultExport(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  return (
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false
  );
}
