#!/usr/bin/env node
// Runs lockd from its TypeScript sources, for development: no build step.
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const { launch } = await import("../src/cli/launch.ts");
await launch(process.argv.slice(2), root);
