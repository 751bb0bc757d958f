/**
 * Transcripts: stories of behaviour a reviewer can read. A file holds commands (`> ...`) and what
 * they print; the test replays the commands and compares. `REWRITE=1 npx vitest run <file>` writes
 * the files anew; the diff is then reviewed like code.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

/** Runs one command of a story and returns the lines it prints. */
export type Interpreter = (command: string) => readonly string[] | Promise<readonly string[]>;

async function replay(text: string, interpreter: Interpreter): Promise<string> {
  const printed: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("> ")) {
      printed.push(line, ...(await interpreter(line.slice(2).trim())));
    } else if (line === "" || line.startsWith("#")) {
      printed.push(line);
    }
  }
  return printed.join("\n");
}

/** One test a file in `directory`; every story gets an interpreter of its own. */
export function describeTranscripts(directory: string, newInterpreter: () => Interpreter): void {
  describe(path.basename(directory), () => {
    for (const file of readdirSync(directory)
      .filter((name) => name.endsWith(".txt"))
      .sort()) {
      test(file, async () => {
        const location = path.join(directory, file);
        const text = readFileSync(location, "utf8");
        const replayed = await replay(text, newInterpreter());
        if (process.env.REWRITE === "1") writeFileSync(location, replayed);
        else expect(replayed).toBe(text);
      });
    }
  });
}

/** `a=1 b=two word` style arguments after the verb. */
export function parseCommand(command: string): { verb: string; args: Map<string, string> } {
  const [verb = "", ...words] = command.split(/\s+/);
  const args = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    if (at === -1) args.set(word, "true");
    else args.set(word.slice(0, at), word.slice(at + 1));
  }
  return { verb, args };
}
