/**
 * Writes scripts/recording/json-forms.json: what commands print as JSON, recorded in one session
 * with the built program. The pages of docs/cli show it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { recordSession } from "./shell-session.ts";

export const jsonFormsFile = path.join(import.meta.dirname, "json-forms.json");

/** Longer answers are shown by their beginning. */
const linesMax = 40;

/** Commands in their order; those with an id are shown on its page. */
const session: readonly (readonly [id: string, line: string])[] = [
  ["acquire", "lockd acquire orders --owner web-1 --ttl 10m --json"],
  ["", 'eval "$(lockd acquire bills --owner web-1 --ttl 10m)"'],
  ["update", "echo '{\"n\": 1}' | lockd update --json"],
  ["mutate", "lockd mutate '/n++' --json"],
  ["set", "lockd set '/open=true' --json"],
  ["get", "lockd get --json 2>/dev/null"],
  ["status", "lockd status --json"],
  ["keepalive", "lockd keepalive --ttl 10m --json"],
  ["", "echo hello >note.txt"],
  ["attachments:put", "lockd attachments put --name note.txt --file note.txt --json"],
  ["attachments:list", "lockd attachments list --json"],
  ["attachments:delete", "lockd attachments delete --name note.txt --json"],
  ["attachments:delete-all", "lockd attachments delete-all --json"],
  ["txn:list", "lockd txn list --json"],
  ["txn:explain", "lockd txn explain --json"],
  ["release", "lockd release --json"],
  ["describe", "lockd describe bills --json"],
  ["query", "lockd query '/n>=1' --json --refresh wait_for"],
  ["", 'eval "$(lockd acquire bills --ttl 10m)"'],
  ["remove", "lockd remove --json"],
  ["", "lockd release --rollback; unset LOCKD_CLIENT_TXN_ID"],
  ["txn:begin", "lockd txn begin --json"],
  ["", 'eval "$(lockd txn begin)"; eval "$(lockd acquire a --ttl 10m)"; echo 1 | lockd update'],
  ["txn:prepare", "lockd txn prepare --json"],
  ["txn:commit", "lockd txn commit --json"],
  ["txn:replay", "lockd txn replay --json"],
  ["txn:rollback", 'eval "$(lockd txn begin)"; lockd txn rollback --json'],
  ["", "unset LOCKD_CLIENT_TXN_ID LOCKD_CLIENT_KEY LOCKD_CLIENT_LEASE LOCKD_CLIENT_NAMESPACE"],
  ["enqueue", 'lockd enqueue mail -d \'{"to": "ada"}\' --max-attempts 1 --json'],
  ["dequeue", "lockd dequeue mail --block nowait --visibility 10m --json 2>notes.txt"],
  ["", "lockd enqueue bulk -d 1; sleep 1.2"],
  ["stats", "lockd stats bulk --json"],
  ["", 'eval "$(lockd dequeue bulk --block nowait --visibility 10m)"'],
  ["extend", "lockd extend --extend 10m --json"],
  ["", 'lockd enqueue fax -d x; eval "$(lockd dequeue fax --block nowait --visibility 10m)"'],
  ["nack", "lockd nack --reason 'no line' --json"],
  ["", 'eval "$(lockd dequeue fax --block nowait --visibility 10m)"'],
  ["ack", "lockd ack --json"],
  ["", "lockd enqueue fax -d x --max-attempts 1"],
  ["", 'eval "$(lockd dequeue fax --block nowait --visibility 10m)"'],
  ["", "lockd nack --reason 'no line'; lockd enqueue post -d x --max-attempts 1"],
  [
    "",
    "eval \"$(lockd dequeue post --block nowait --visibility 10m)\"; lockd nack --reason 'no line'",
  ],
  ["", "unset LOCKD_QUEUE_LEASE LOCKD_QUEUE_NAME"],
  ["queue:ls", "lockd queue ls --json"],
  ["queue:dlq:ls", "lockd queue dlq ls fax --json"],
  ["queue:dlq:redrive", "lockd queue dlq redrive fax --all --json"],
  ["queue:dlq:purge", "lockd queue dlq purge post --all --yes --json"],
  ["watch", "lockd watch bills --from-version 0 --count 1 --for 20s --json"],
  ["top", "lockd top --once --json"],
  ["tui", "lockd tui --once --output json"],
  ["namespace:get", "lockd namespace get --json"],
  ["namespace:set:query", "lockd namespace set query --fallback scan --json"],
  ["index:flush", "lockd index flush --mode wait --json"],
  ["verify:store", "mkdir other; lockd verify store --store disk://$HOME/other --json"],
  ["version", "lockd version --json"],
  ["config:show", "lockd config show --json"],
  ["subscribe", "lockd enqueue news -d hi >/dev/null; lockd subscribe news --ack --max 1"],
];

function shortened(output: string): string {
  const lines = output.split("\n");
  return lines.length <= linesMax ? output : [...lines.slice(0, linesMax), "…"].join("\n");
}

/** Runs the session now. @throws Error when a command printed no JSON */
export function recordJsonForms(): Record<string, string> {
  const outputs = recordSession(session.map(([, line]) => line));
  const forms: Record<string, string> = {};
  for (const [at, [id, line]] of session.entries()) {
    if (id === "") continue;
    const output = outputs[at] ?? "";
    if (!/^[[{](?!"error")/.test(output)) throw new Error(`no JSON from ${line}:\n${output}`);
    forms[id] = shortened(output);
  }
  return forms;
}

export function savedJsonForms(): Record<string, string> {
  return JSON.parse(readFileSync(jsonFormsFile, "utf8")) as Record<string, string>;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(jsonFormsFile, `${JSON.stringify(recordJsonForms(), undefined, 2)}\n`);
}
