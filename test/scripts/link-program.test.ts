/** Chunks of a split bundle become one CommonJS file that runs only what is imported. */
import { createRequire } from "node:module";
import vm from "node:vm";
import { expect, test } from "vitest";
import { linkProgram } from "../../scripts/link-program.ts";

/** The exports of the linked texts, by file name; the first one is the entry. */
function run(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  const chunks = Object.entries(texts).map(([name, text]) => ({
    name,
    source: `src/${name}`,
    text,
  }));
  const program = linkProgram(chunks, chunks[0]?.name ?? "");
  expect(program).toMatch(/^[\0-\x7f]*$/);
  const module = { exports: {} };
  const load = createRequire(import.meta.url);
  vm.runInThisContext(`(function (require, module, __filename) {${program}})`)(
    load,
    module,
    import.meta.filename,
  );
  return module.exports;
}

test("a chunk runs once, when something of it is first imported", async () => {
  const { ran, later } = run({
    "main.js":
      'import{ran}from"./log.js";import"./side.js";ran.push("main");' +
      'var later=async()=>[(await import("./late.js")).default,(await import("./late.js")).two];' +
      "export{ran,later};",
    "log.js": "var ran=[];export{ran};",
    "side.js": 'import{ran as log}from"./log.js";log.push("side");export{};',
    "late.js":
      'import{ran}from"./log.js";import one from"./one.js";ran.push("late");var two=2;' +
      "export{one as default,two};",
    "one.js": "export default 1;",
    "never.js": 'throw new Error("nobody asked");export{};',
  }) as { ran: string[]; later: () => Promise<unknown> };
  expect(ran).toEqual(["side", "main"]);
  expect(await later()).toEqual([1, 2]);
  expect(ran).toEqual(["side", "main", "late"]);
});

test("packages keep the forms in which they are imported", async () => {
  const { kinds, late } = run({
    "main.js":
      'import path,{sep as slash}from"node:path";import*as fs from"node:fs";' +
      "var kinds=[typeof path.join,slash,typeof fs.readFileSync,new function(){" +
      "this.isNew=new.target!==undefined}().isNew];" +
      'var late=async()=>{var{default:it,delimiter}=await import("node:path");' +
      "return[typeof it.join,delimiter]};var name=()=>import(kinds[0]);" +
      "export{kinds,late,name};",
  }) as { kinds: unknown; late: () => Promise<unknown> };
  expect(kinds).toEqual(["function", "/", "function", true]);
  expect(await late()).toEqual(["function", ":"]);
});

test("letters of other scripts mean the same afterwards", () => {
  const { isMicro, text } = run({
    "main.js": "var isMicro=/^\\d+(µs|😀)$/u.test('5😀');var text=`µ😀`;export{isMicro,text};",
  });
  expect({ isMicro, text }).toEqual({ isMicro: true, text: "µ😀" });
});

test("an export that changes in any way ends the build", () => {
  const changes = [
    "a=1",
    "a??=1",
    "a++",
    "--a",
    "(a)=1",
    "[a]=it",
    "[,a=1]=it",
    "[...a]=it",
    "[[a]]=it",
    "({a}=it)",
    "({a=1}=it)",
    "({b:a}=it)",
    "({b:{a}}=it)",
    "({b:[a]=[]}=it)",
    "({...a}=it)",
    "for(a of it);",
    "for(a in it);",
    "for([a]of it);",
    "for({a}of it);",
    "for({b:a}of it);",
  ];
  for (const change of changes) {
    const text = `let a;var change=(it)=>{${change}};export{a,change};`;
    expect(() => run({ "main.js": text }), change).toThrow("exports a, which changes");
  }
});

test("an export that is only read is no change", () => {
  const uses = [
    "it=a",
    "it=[a]",
    "it={a}",
    "it={b:a}",
    "a[0]=1",
    "a.b=1",
    "[a[0]]=it",
    "({b:a.c}=it)",
    "({[a]:it}=it)",
    "({it=a}=it)",
    "[it=a]=it",
    "[it=[a]]=it",
    "for(it of a);",
    "for(it of[a]);",
    "for(const one of it)a.push(one);",
    "-a",
    "it={...a}",
    "it=[...a]",
    "[a].b=1",
    "var{a:b}=it",
  ];
  for (const use of uses) {
    const text = `const a=[];var use=(it)=>{${use}};export{a,use};`;
    expect(() => run({ "main.js": text }), use).not.toThrow();
  }
});

test("what would mean something else in one file ends the build", () => {
  const refused: readonly [string, RegExp][] = [
    ["let count=0;var more=()=>{count++};export{count,more};", /exports count, which changes/],
    ["let last;var keep=(it)=>{last=it};export{last as first,keep};", /exports last/],
    ["var here=import.meta.dirname;export{here};", /import.meta/],
    ['export*from"node:path";', /cannot link/],
    ["export const one=1;", /cannot link/],
    ["var text='\\µ';export{text};", /escaped/],
  ];
  for (const [text, why] of refused) expect(() => run({ "main.js": text })).toThrow(why);
});
