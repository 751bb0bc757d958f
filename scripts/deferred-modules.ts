import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const builtin = createRequire(import.meta.url);

/** Node's own modules whose functions load them when they are called; the time of loading each. */
const late = new Map<string, () => string>([
  // 3 ms
  ["node:crypto", () => lateFunctions("node:crypto")],
  // 1 ms
  ["node:fs/promises", () => lateFunctions("node:fs/promises")],
  ["node:timers/promises", () => lateFunctions("node:timers/promises")],
  // 1 ms. Threads have programs of their own, so this one runs in the main thread.
  [
    "node:worker_threads",
    () =>
      "export const isMainThread = true;" +
      'export function Worker(...words) { return new (require("node:worker_threads").Worker)' +
      "(...words); }",
  ],
]);

/** Whatever is no function, classes included, is missing: the build fails where it is imported. */
function lateFunctions(name: string): string {
  const members = Object.entries(builtin(name) as Record<string, unknown>);
  const names = members.flatMap(([member, value]) =>
    typeof value === "function" && /^[a-z]/.test(member) ? [member] : [],
  );
  const load = `let loaded; const load = () => (loaded ??= require("${name}"));`;
  return [
    load,
    ...names.map((member) => `export const ${member} = (...words) => load().${member}(...words);`),
  ].join("\n");
}

/**
 * What the packages below the command line load at their start and hardly ever use. A module is
 * replaced by one with the same members that loads the real one when it is called.
 */
const deferred: readonly {
  /** Who loads it. */
  readonly from: RegExp;
  /** As it is written there. */
  readonly name: string;
  readonly contents: string;
}[] = [
  {
    from: /@oclif\/core\/lib\/errors\/index\.js$/,
    name: "./handle",
    contents:
      'exports.handle = async (error) => (await import("@oclif/core/handle")).handle(error);',
  },
  {
    from: /@oclif\/core\/lib\/logger\.js$/,
    name: "debug",
    // Asked for with the variable that the package itself listens to.
    contents:
      'module.exports = process.env.DEBUG ? require("debug/src/index.js") ' +
      ": () => Object.assign(() => {}, { enabled: false });",
  },
  {
    from: /@oclif\/core\/lib\/parser\/parse\.js$/,
    name: "node:readline",
    contents:
      "exports.createInterface = (...options) => " +
      'require("node:readline").createInterface(...options);',
  },
  {
    from: /@oclif\/core\/lib\/util\/fs\.js$/,
    name: "node:fs/promises",
    contents:
      'for (const name of ["readFile", "stat"]) ' +
      'exports[name] = (...words) => require("node:fs/promises")[name](...words);',
  },
  {
    from: /@oclif\/core\/lib\/errors\/errors\/(cli|pretty-print)\.js$/,
    name: "wrap-ansi",
    contents: 'module.exports = (...words) => require("wrap-ansi")(...words);',
  },
  {
    from: /@oclif\/core\/lib\/errors\/errors\/cli\.js$/,
    name: "../../ux/theme",
    contents: 'exports.colorize = (...words) => require("../../ux/theme").colorize(...words);',
  },
  {
    from: /@oclif\/core\/lib\/parser\/errors\.js$/,
    name: "../ux/theme",
    contents: 'exports.colorize = (...words) => require("../ux/theme").colorize(...words);',
  },
  {
    from: /@oclif\/core\/lib\/flags\.js$/,
    name: "./help",
    contents:
      'exports.loadHelpClass = (config) => require("@oclif/core/help").loadHelpClass(config);',
  },
  {
    from: /@oclif\/core\/lib\/parser\/help\.js$/,
    name: "../ux",
    contents: 'exports.colorize = (...text) => require("@oclif/core/ux").colorize(...text);',
  },
  {
    from: /@oclif\/core\/lib\/ux\/supports-color\.js$/,
    name: "supports-color",
    contents:
      'for (const stream of ["stdout", "stderr"]) ' +
      'Object.defineProperty(exports, stream, { get: () => require("supports-color")[stream] });',
  },
];

/** Loaded from node_modules in the rare case; they would be most of the bundle. */
const rare = /^(@oclif\/core(\/(handle|help|ux))?|undici\/lib\/dispatcher\/pool\.js)$/;

/** Keeps out of a command's start what no ordinary command needs. */
export const deferredModules: Plugin = {
  name: "deferred-modules",
  setup({ onResolve, onLoad, onEnd }) {
    onResolve({ filter: rare }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      // What `require` answers is taken apart at once: lateness would have to be per package.
      kind === "import-statement" && late.has(path) ? { path, namespace: "late" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "late" }, ({ path }) => ({
      contents: late.get(path)?.() ?? "",
    }));
    const met = new Set<string>();
    onResolve({ filter: /.*/ }, ({ path, importer }) => {
      const isMeant = deferred.some(({ from, name }) => name === path && from.test(importer));
      if (!isMeant) return undefined;
      met.add(path);
      return { path, namespace: "deferred", pluginData: importer };
    });
    onEnd(() => {
      const text = deferred.filter(({ name }) => !met.has(name)).map(({ name }) => name);
      return { errors: text.map((name) => ({ text: `nobody loads ${name} any more` })) };
    });
    onLoad({ filter: /.*/, namespace: "deferred" }, ({ path, pluginData }) => {
      const importer = String(pluginData);
      const contents = deferred.find(({ name }) => name === path)?.contents ?? "";
      return { contents, resolveDir: importer.slice(0, importer.lastIndexOf("/")) };
    });
  },
};
