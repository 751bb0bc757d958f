import type { Plugin } from "esbuild";

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
    from: /@oclif\/core\/lib\/flags\.js$/,
    name: "./help",
    contents: 'exports.loadHelpClass = (config) => require("./help").loadHelpClass(config);',
  },
  {
    from: /@oclif\/core\/lib\/parser\/help\.js$/,
    name: "../ux",
    contents: 'exports.colorize = (...text) => require("../ux").colorize(...text);',
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
const rare = /^(@oclif\/core|@oclif\/core\/handle|undici\/lib\/dispatcher\/pool\.js)$/;

/** Keeps out of a command's start what no ordinary command needs. */
export const deferredModules: Plugin = {
  name: "deferred-modules",
  setup({ onResolve, onLoad, onEnd }) {
    onResolve({ filter: rare }, ({ path }) => ({ path, external: true }));
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
