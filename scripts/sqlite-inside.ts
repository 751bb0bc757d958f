import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const packageFile = createRequire(import.meta.url).resolve("better-sqlite3/package.json");
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { readonly version: string };

/** All of the package as it is installed, if that is another version than the one built with. */
const whole = `
const installed = require.resolve("better-sqlite3/package.json");
const { version } = JSON.parse(require("node:fs").readFileSync(installed, "utf8"));
module.exports = version === ${JSON.stringify(version)}
  ? require("better-sqlite3")
  : require(require.resolve("better-sqlite3"));
`;

/** The part that looks for the native code, from where the package is. */
const binding = `
const path = require("node:path");
const directory = path.dirname(require.resolve("better-sqlite3/package.json"));
exports.getBinding = require(path.join(directory, "lib", "binding.js")).getBinding;
`;

/**
 * Puts the JavaScript of better-sqlite3 into the program: a dozen files that an inline command need
 * not find, 3 ms. The native code stays where it is installed.
 */
export const sqliteInside: Plugin = {
  name: "sqlite-inside",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^better-sqlite3$/ }, ({ path, namespace, resolveDir }) =>
      namespace === "sqlite" ? undefined : { path, namespace: "sqlite", pluginData: resolveDir },
    );
    onResolve({ filter: /^\.\/binding$/ }, ({ path, importer, resolveDir }) =>
      /better-sqlite3\/lib\/index\.js$/.test(importer)
        ? { path, namespace: "sqlite", pluginData: resolveDir }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: "sqlite" }, ({ path, pluginData }) => ({
      contents: path === "./binding" ? binding : whole,
      resolveDir: String(pluginData),
    }));
  },
};
