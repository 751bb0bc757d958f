/** Which exit codes a command has, and what they mean there. */

import { exitCodes } from "../../src/api/error-registry.ts";
import { exitMeanings } from "../error-docs.ts";

/** Every command. */
const always = [0, 1, 2];

/** Commands that reach a store or a server; all but `offline`. */
const reaching = [8, 9, 10, 12];

/** Pages and commands that reach neither. */
const offline = new Set([
  "edit",
  "version",
  "config",
  "context",
  "completion",
  "txn:begin",
  "fence",
]);

const busy = "somebody else holds the key, and the wait is over";
const leaseGone = "the lease is gone; nothing was changed";
const condition = "`--if-version` or `--if-etag` does not hold";
const notThisDelivery = "the message is not in this delivery any more";
const interrupted = { 130: "interrupted by SIGINT", 143: "ended by SIGTERM" } as const;

/** Probes have the exit codes of monitoring, whatever happens. */
const probes = [
  { code: 0, meaning: "OK" },
  { code: 1, meaning: "WARNING" },
  { code: 2, meaning: "CRITICAL" },
  { code: 3, meaning: "UNKNOWN: the probe itself could not be made, or a flag or value is wrong" },
];

type Notes = Readonly<Record<number, string>>;

/** What a command has beyond that, or means by it. */
const particular: Readonly<Record<string, Notes>> = {
  acquire: {
    4: "`--if-not-exists` and the key has a state, or the transaction is decided already",
    5: busy,
    ...interrupted,
  },
  keepalive: { 6: "the lease is gone: stop what it guarded", ...interrupted },
  release: { 4: "what was staged cannot be committed any more" },
  run: {
    0: "the command ended with 0; otherwise its own code, 128 + n when signal n ended it",
    5: busy,
    6: "the lease was lost and the command stopped",
    126: "the command cannot be executed",
    127: "the command does not exist",
    ...interrupted,
  },
  get: { 3: "`--require` and there is no state", 6: "the lease is gone" },
  update: { 4: condition, 6: leaseGone },
  mutate: { 4: condition, 6: leaseGone },
  set: { 4: "somebody changed the state meanwhile", 6: leaseGone },
  remove: { 4: condition, 6: leaseGone },
  "attachments:get": { 3: "there is no such attachment", 6: "the lease is gone" },
  "attachments:list": { 6: "the lease is gone" },
  "attachments:put": { 6: leaseGone },
  "attachments:delete": { 6: leaseGone },
  "attachments:delete-all": { 6: leaseGone },
  dequeue: { 5: "there is no message, and the wait is over", ...interrupted },
  ack: { 3: "there is no such message", 6: notThisDelivery },
  nack: { 3: "there is no such message", 4: "the record changed meanwhile", 6: notThisDelivery },
  extend: { 3: "there is no such message", 4: "the record changed meanwhile", 6: notThisDelivery },
  work: {
    0: "told to end, or out of work, and every command had ended by itself",
    126: "the command cannot be executed",
    127: "the command does not exist",
    130: "ended by SIGINT while commands still ran",
    143: "ended by SIGTERM while commands still ran",
  },
  subscribe: interrupted,
  watch: { 10: "`--for` or `--wait-timeout` is over", ...interrupted },
  top: interrupted,
  tui: { 2: "no terminal (without `--once`), or a wrong flag or value", ...interrupted },
  serve: { 0: "ended by SIGTERM or SIGINT after draining", 8: "the store cannot be served" },
  "config:gen": { 4: "the file exists; `--force` replaces it" },
  "namespace:set:query": { 4: "`--if-match` does not hold" },
  "index:flush": { 4: "enough flushes are under way" },
  "queue:dlq:show": { 3: "there is no such dead letter" },
  "txn:commit": { 4: "the transaction is decided already, otherwise" },
  "txn:rollback": { 4: "the transaction is decided already, otherwise" },
  "txn:prepare": { 4: "the transaction is decided already" },
  "txn:explain": { 3: "no such transaction is recorded" },
  "txn:replay": { 3: "no such transaction is recorded" },
  doctor: { 1: "something fails; with `--strict` also what is doubtful" },
  "fence:check": { 6: "a newer token was seen: the content stays as it is" },
  "verify:store": { 11: "a check failed" },
};

function meaning(code: number): string {
  const [name] = Object.entries(exitCodes).find(([, value]) => value === code) ?? [];
  return exitMeanings[name as keyof typeof exitMeanings] ?? "";
}

/** Codes with their meaning, ascending. A command nobody described has those of its kind. */
export function exitNotes(id: string): { readonly code: number; readonly meaning: string }[] {
  if (id.startsWith("check:")) return probes;
  const own = particular[id] ?? {};
  const isOffline = offline.has(id) || offline.has(id.split(":")[0] ?? "");
  const common = isOffline ? always : [...always, ...reaching];
  const codes = new Set([...common, ...Object.keys(own).map(Number)]);
  return [...codes]
    .sort((one, other) => one - other)
    .map((code) => ({ code, meaning: own[code] ?? meaning(code) }));
}
