/** What could stand where the cursor is, and how it has to be written there. */
import { expect, test } from "vitest";
import { isOfferable, readLine, writtenRest } from "../../../src/cli/completion/command-line.ts";
import { type Outline, planCompletion } from "../../../src/cli/completion/plan.ts";

const option = (name: string, more: object = {}) => ({ name, type: "option" as const, ...more });
const server = option("server", { char: "s" });
const key = option("key", { char: "k" });

const outline: Outline = {
  topics: { queue: { description: "See the queues" }, "queue:dlq": { description: "Failed" } },
  commands: {
    serve: { id: "serve", flags: { server, verbose: { name: "verbose", type: "boolean" } } },
    status: { id: "status", summary: "Who", flags: { server, key }, args: { key: {} } },
    get: {
      id: "get",
      flags: {
        server,
        key,
        type: option("type", { options: ["json", "yaml"] }),
        file: option("file"),
      },
      args: { key: {} },
    },
    run: {
      id: "run",
      flags: {
        server,
        also: option("also", { multiple: true }),
        quiet: { name: "quiet", type: "boolean", char: "q" },
      },
      args: { key: {} },
    },
    set: { id: "set", strict: false, flags: { server, key }, args: { mutation: {} } },
    "queue:ls": { id: "queue:ls", hiddenAliases: ["q:ls"], flags: { server } },
    "queue:dlq:show": { id: "queue:dlq:show", flags: { server }, args: { queue: {}, message: {} } },
    "attachments:get": {
      id: "attachments:get",
      flags: { server, name: option("name") },
      args: { key: {} },
    },
    "context:use": { id: "context:use", flags: {}, args: { name: {} } },
    secret: { id: "secret", hidden: true, flags: {} },
  },
};

function plan(line: string) {
  const words = line.split(" ");
  const planned = planCompletion(words.slice(0, -1), words.at(-1) ?? "", outline);
  if (planned.kind === "words") return planned.candidates.map(({ word }) => word).join(" ");
  if (planned.kind === "files") return "files";
  return `${planned.source} ${planned.lead}${planned.prefix}`.trim();
}

test.each([
  ["", "attachments context get help queue run serve set status"],
  ["s", "serve set status"],
  ["queue ", "dlq ls"],
  ["queue dlq ", "show"],
  ["help queue ", "dlq ls"],
  ["nonsense ", ""],
  ["-s x st", "status"],
  ["-s ", ""],
  ["--v", "--verbose"],
  ["status ", "key"],
  ["client status jo", "key jo"],
  ["status a ", ""],
  ["status -k jo", "key jo"],
  ["status --key=jo", "key --key=jo"],
  ["status --k", "--key"],
  ["status --key x --k", ""],
  ["get --type ", "json yaml"],
  ["get --type=y", "--type=yaml"],
  ["get --file ", "files"],
  ["run a --also b --al", "--also"],
  ["run a --also b", "key b"],
  ["run a -- ls -", "files"],
  ["run --quiet=t", "--quiet=true"],
  ["run -q jo", "key jo"],
  ["set -k a ", ""],
  ["q ls --s", "--server"],
  ["queue dlq show ma", "queue ma"],
  ["queue dlq show mail 01", "letter 01"],
  ["attachments get k --name re", "attachment re"],
  ["context use pro", "context pro"],
])("lockd %s", (line, expected) => expect(plan(line)).toBe(expected));

const breaks = " \t\n\"'@><=;|&(:";

test.each([
  ["lockd a b", ["lockd", "a"], "b", "", ""],
  ["lockd a ", ["lockd", "a"], "", "", ""],
  ["lockd 'a b' c\\ d", ["lockd", "a b"], "c d", "", ""],
  ['lockd "a\\"b\\n$x', ["lockd"], 'a"b\\n$x', '"', ""],
  ["lockd 'it", ["lockd"], "it", "'", ""],
  ["lockd --key=jo", ["lockd"], "--key=jo", "", "--key="],
  ["lockd ns:ke", ["lockd"], "ns:ke", "", "ns:"],
  ["lockd ns\\:ke", ["lockd"], "ns:ke", "", ""],
  ["lockd ''", ["lockd"], "", "", ""],
])("the line %j", (line, words, current, quote, lead) => {
  expect(readLine(line, breaks)).toEqual({ words, current, quote, lead });
});

test.each([
  ["my report.pdf", "", "", "my\\ report.pdf"],
  ["it's $5", "", "", "it\\'s\\ \\$5"],
  ["it's", "'", "", "it'\\''s"],
  ['a"b$c', '"', "", 'a\\"b\\$c'],
  ["--key=a;b", "", "--key=", "a\\;b"],
  ["jobs/1", "", "", "jobs/1"],
  ["a\u{1f600}$(b)", "", "", "a\\\u{1f600}\\$\\(b\\)"],
])("%j in quote %j behind %j", (word, quote, lead, written) => {
  expect(writtenRest(word, { quote: quote as "" | "'" | '"', lead })).toBe(written);
});

test.each([
  ["it's $(rm -rf ~)", "", "", true],
  // Chosen by somebody else, it would be taken for a flag.
  ["--yes", "", "", false],
  ["-rf", "", "", false],
  ["--key=-rf", "--key=", "", true],
  // History is expanded between double quotes, whatever stands in front of it.
  ["a!b", "a", '"', false],
  ["a!b", "a", "'", true],
  ["a!b", "a", "", true],
  ["a\u001b]0;title\u0007", "", "", false],
  ["a\nb", "", "", false],
])("whether %j is offered behind %j in quote %j", (name, current, quote, offered) => {
  const line = { words: [], current, quote: quote as "" | "'" | '"', lead: "" };
  expect(isOfferable(name, line)).toBe(offered);
});
