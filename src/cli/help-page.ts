import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

/** The pages made with the build, by command or topic; the first page has the empty name. */
const builtPages = path.join("dist", "help.json");

/** The help of a command, a topic, or (for the empty id) of everything. */
export async function helpPage(root: string, id: string): Promise<string> {
  const file = path.join(root, builtPages);
  if (existsSync(file)) {
    const pages = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, string>>;
    const page = pages[id];
    if (page !== undefined) return page;
  }
  return renderedHelp(root, id);
}

/** The same page made by oclif now. */
export async function renderedHelp(root: string, id: string): Promise<string> {
  const { Config, Help } = await import("@oclif/core");
  const lines: string[] = [];
  class CapturedHelp extends Help {
    protected override log(...parts: string[]): void {
      lines.push(parts.join(" "));
    }
  }
  const config = await Config.load({ root });
  const help = new CapturedHelp(config, { stripAnsi: true, maxWidth: 100 });
  await help.showHelp(id === "" ? [] : [id]);
  // Which machine built lockd is nobody's business: `lockd version` tells what runs.
  return `${lines
    .join("\n")
    .replace(/VERSION\n.*\n\n/, "")
    .trimEnd()}\n`;
}
