/**
 * Makes one CommonJS file of the chunks of a split bundle. Each chunk is a function that runs when
 * something of it is first imported: what a command does not use is then neither compiled, nor
 * evaluated, nor part of its kept bytecode. In one scope for all of it, as a plain CommonJS bundle
 * is, every function of the program is a part of every command's bytecode.
 */
import path from "node:path";
import ts from "typescript";

export interface Chunk {
  /** Its file name, by which others import it. */
  readonly name: string;
  /** The source it is made for: what it is called in the program and its stack traces. */
  readonly source: string;
  readonly text: string;
}

/** A stretch of a chunk's text, and what stands there instead. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The source of the chunk behind an import; undefined for a package. */
type SourceOf = (specifier: string) => string | undefined;

/**
 * `lockdImport` is `import()`, of a chunk by its source, else of a package, whose default is all of
 * it. A chunk counts as loaded when it has run: sources that import each other in a circle, which
 * the house has not, would never get that far.
 */
const runtime = `"use strict";
const lockdModuleUrl=require("node:url").pathToFileURL(__filename).href;
const lockdLoaded={__proto__:null};
const lockdChunk=(source)=>lockdLoaded[source]??=lockdChunks[source]();
const lockdPackage=(it)=>Object.create(it,{default:{value:it}});
const lockdImport=async(of)=>of in lockdChunks?lockdChunk(of):lockdPackage(require(of));
`;

/** The text of the program; its exports are those of the chunk named `entry`. */
export function linkProgram(chunks: readonly Chunk[], entry: string): string {
  const sources = new Map(chunks.map(({ name, source }) => [name, source]));
  const sourceOf: SourceOf = (specifier) =>
    specifier.startsWith("./") ? sources.get(path.basename(specifier)) : undefined;
  const functions = chunks.map((chunk) => linkedChunk(chunk, sourceOf));
  const start = sources.get(entry);
  if (start === undefined || new Set(sources.values()).size < chunks.length) {
    throw new Error(`no chunk is named ${entry}, or two are made for one source`);
  }
  const table = `const lockdChunks={__proto__:null,\n${functions.join(",\n")}\n};\n`;
  return inAscii(`${runtime}${table}module.exports=lockdChunk(${JSON.stringify(start)});\n`);
}

/** One byte a character can be read, and kept in memory, without a look at any of them. */
function inAscii(text: string): string {
  const escaped = /.{0,20}\\[^\0-\x7f].{0,20}/.exec(text);
  if (escaped !== null) throw new Error(`a letter of another script is escaped: ${escaped[0]}`);
  const digits = (unit: string): string => unit.charCodeAt(0).toString(16).padStart(4, "0");
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${digits(unit)}`);
}

function linkedChunk({ name, source, text }: Chunk, sourceOf: SourceOf): string {
  const tree = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const head: string[] = [];
  const members = new Map<string, string>();
  const edits: Edit[] = [];
  const replace = (node: ts.Node, by: string): void => {
    edits.push({ from: node.getStart(), to: node.getEnd(), text: by });
  };
  for (const statement of tree.statements) {
    if (ts.isImportDeclaration(statement)) {
      head.push(importedNames(statement, sourceOf));
      replace(statement, "");
    } else if (ts.isExportDeclaration(statement)) {
      for (const [as, local] of exportedNames(statement)) members.set(as, local);
      replace(statement, "");
    } else if (ts.isExportAssignment(statement)) {
      members.set("default", "lockdDefault");
      const [from, to] = [statement.getStart(), statement.expression.getStart()];
      edits.push({ from, to, text: "const lockdDefault=" });
    } else if (/^export\b/.test(statement.getText())) {
      throw new Error(`cannot link ${statement.getText().slice(0, 80)}`);
    }
  }
  const visit = (node: ts.Node): void => {
    // `new.target` is the other one.
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      throw new Error(`${name} asks for import.meta`);
    }
    if (node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent)) {
      replace(node, "lockdImport");
      const [specifier] = node.parent.arguments;
      // Not of a chunk when its name is made at run time.
      if (specifier !== undefined && ts.isStringLiteral(specifier)) {
        replace(specifier, JSON.stringify(sourceOf(specifier.text) ?? specifier.text));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  refuseChanging(tree, new Set(members.values()));
  const answer = [...members].map(([as, local]) => `${as}:${local}`).join(",");
  const body = `${head.join("")}${edited(text, edits)}\nreturn{${answer}}`;
  // A method: what V8 notes of it in passing is of use when it runs, which an arrow has not.
  return `${JSON.stringify(source)}(){${body}}`;
}

function specifierOf(node: ts.Node | undefined): string {
  if (node === undefined || !ts.isStringLiteral(node)) throw new Error("an import without a name");
  return node.text;
}

/** The import as a declaration of the same names. */
function importedNames(statement: ts.ImportDeclaration, sourceOf: SourceOf): string {
  const specifier = specifierOf(statement.moduleSpecifier);
  const chunk = sourceOf(specifier);
  const load = chunk === undefined ? "require" : "lockdChunk";
  const value = `${load}(${JSON.stringify(chunk ?? specifier)})`;
  const { importClause: clause } = statement;
  if (clause === undefined) return `${value};`;
  const named: string[] = [];
  const whole: string[] = [];
  if (clause.name !== undefined) {
    if (chunk === undefined) whole.push(clause.name.text);
    else named.push(`default:${clause.name.text}`);
  }
  const bindings = clause.namedBindings;
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) whole.push(bindings.name.text);
  else
    for (const { propertyName, name } of bindings?.elements ?? []) {
      named.push(propertyName === undefined ? name.text : `${propertyName.text}:${name.text}`);
    }
  const targets = named.length === 0 ? whole : [...whole, `{${named.join(",")}}`];
  return targets.map((target) => `const ${target}=${value};`).join("");
}

function exportedNames(statement: ts.ExportDeclaration): [as: string, local: string][] {
  const { exportClause: clause, moduleSpecifier } = statement;
  if (clause === undefined || !ts.isNamedExports(clause) || moduleSpecifier !== undefined) {
    throw new Error(`cannot link ${statement.getText()}`);
  }
  return clause.elements.map(({ name, propertyName }) => [name.text, (propertyName ?? name).text]);
}

/** Importers get a value, not a variable: one that changes would be old in their hands. */
function refuseChanging(tree: ts.SourceFile, exported: ReadonlySet<string>): void {
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && exported.has(node.text) && isChanged(node)) {
      throw new Error(`${tree.fileName} exports ${node.text}, which changes`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
}

/** True of a name, or a pattern with names in it, that is given another value where it stands. */
function isChanged(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
    const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
    return parent.operator === PlusPlusToken || parent.operator === MinusMinusToken;
  }
  if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) {
    return parent.initializer === node;
  }
  if (ts.isBinaryExpression(parent)) {
    const { kind } = parent.operatorToken;
    const { FirstAssignment, LastAssignment } = ts.SyntaxKind;
    return parent.left === node && kind >= FirstAssignment && kind <= LastAssignment;
  }
  return isInPattern(node) && isChanged(parent);
}

/** True when what is around it decides, as in `({a: [node]} = it)`. */
function isInPattern(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node;
  return (
    ts.isArrayLiteralExpression(parent) ||
    ts.isObjectLiteralExpression(parent) ||
    ts.isSpreadElement(parent) ||
    ts.isSpreadAssignment(parent) ||
    ts.isParenthesizedExpression(parent)
  );
}

function edited(text: string, edits: readonly Edit[]): string {
  let at = 0;
  let result = "";
  for (const { from, to, text: by } of [...edits].sort((a, b) => a.from - b.from)) {
    result += text.slice(at, from) + by;
    at = to;
  }
  return result + text.slice(at);
}
