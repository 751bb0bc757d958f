#!/usr/bin/env node
// Starts lockd. Must parse on any Node: an old one hands over to the one installed beside lockd.
import module from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

// Not by `import`: that would load them, and all of Node's streams and sockets, in every start.
const require = module.createRequire(import.meta.url);
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

/** The Node binary of the npm package `node`, here or in a folder above. */
function bundledNode() {
  const { existsSync } = require("node:fs");
  for (let at = root; ; at = path.dirname(at)) {
    const candidate = path.join(at, "node_modules", "node", "bin", "node");
    if (existsSync(candidate)) return candidate;
    if (path.dirname(at) === at) return undefined;
  }
}

function handOver(node) {
  const { spawn } = require("node:child_process");
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGWINCH"]) {
    process.on(name, () => child.kill(name));
  }
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of process.eventNames()) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
  child.on("error", (error) => {
    console.error(`lockd: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
}

if (isNewEnough(process.versions.node)) {
  const words = process.argv.slice(2);
  const { program, keep } = require("./load-program.cjs").loadProgram(root, words);
  await program.launch(words, root);
  keep();
} else {
  const node = bundledNode();
  if (node === undefined) {
    console.error(`lockd needs Node.js >= 22.19, this is v${process.versions.node}`);
    process.exit(1);
  }
  handOver(node);
}
