import type { Plugin } from "esbuild";

/** Where the dashboard begins; what it imports stays out of every other file. */
const entry = /\/tui\/main\.tsx$/;

/** Lets a bundle load the built dashboard from a file of its own, when it is asked for. */
export function dashboardApart(file: string): Plugin {
  return {
    name: "dashboard-apart",
    setup({ onResolve }) {
      onResolve({ filter: entry }, ({ kind }) =>
        kind === "dynamic-import" || kind === "require-call"
          ? { path: file, external: true }
          : undefined,
      );
    },
  };
}

/** The program with kept bytecode cannot `import()`; this small file does it in its place. */
export const loadDashboard = `exports.runDashboard = async (...words) =>
  (await import("./dashboard.js")).runDashboard(...words);
`;

/** Ink can be inspected with a package that is not installed and that no user needs. */
export const withoutDevtools: Plugin = {
  name: "without-devtools",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: "none" }));
    onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "export default {};" }));
  },
};
