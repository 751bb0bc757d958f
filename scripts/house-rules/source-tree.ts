/** The TypeScript sources of the project, parsed once for all rules. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export interface SourceModule {
  /** Path from the project root, with forward slashes. */
  readonly file: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  /** Module specifiers as written. */
  readonly imports: readonly ModuleImport[];
}

export interface ModuleImport {
  readonly specifier: string;
  /** Erased at run time: `import type`, or every name in it is a type. */
  readonly typeOnly: boolean;
  /** `await import(...)`: loaded when used, not when the file is. */
  readonly dynamic: boolean;
  readonly line: number;
}

/** A broken rule, ready to print. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

function importsOf(tree: ts.SourceFile): ModuleImport[] {
  const found: ModuleImport[] = [];
  const add = (node: ts.Node, specifier: ts.Expression, typeOnly: boolean, dynamic: boolean) => {
    if (!ts.isStringLiteral(specifier)) return;
    found.push({ specifier: specifier.text, typeOnly, dynamic, line: lineOf(tree, node) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.isTypeOnly === true, false);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, node.isTypeOnly, false);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined) add(node, argument, false, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** All `.ts` and `.tsx` files below the given folders of the project. */
export function readSources(root: string, folders: readonly string[]): SourceModule[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .sort()
      .map((name) => readModule(root, path.posix.join(folder, name.split(path.sep).join("/")))),
  );
}

function readModule(root: string, file: string): SourceModule {
  return parseModule(file, readFileSync(path.join(root, file), "utf8"));
}

/** A module from text, so that each rule can be shown to fail in a test. */
export function parseModule(file: string, text: string): SourceModule {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  return { file, text, tree, imports: importsOf(tree) };
}
