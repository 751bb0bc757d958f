import type { BaseCommand, CommandContext } from "./base-command.ts";

export type CommandClass = new (argv: readonly string[], context: CommandContext) => BaseCommand;

type LoadCommand = () => Promise<{ readonly default: CommandClass }>;

/** How each command is loaded: written out, so that the build can put them into one file. */
export const commandTable: Readonly<Record<string, LoadCommand>> = {
  ack: () => import("../commands/ack.ts"),
  acquire: () => import("../commands/acquire.ts"),
  "config:gen": () => import("../commands/config/gen.ts"),
  "config:show": () => import("../commands/config/show.ts"),
  dequeue: () => import("../commands/dequeue.ts"),
  describe: () => import("../commands/describe.ts"),
  edit: () => import("../commands/edit.ts"),
  enqueue: () => import("../commands/enqueue.ts"),
  extend: () => import("../commands/extend.ts"),
  get: () => import("../commands/get.ts"),
  "index:flush": () => import("../commands/index/flush.ts"),
  "index:rebuild": () => import("../commands/index/rebuild.ts"),
  keepalive: () => import("../commands/keepalive.ts"),
  mutate: () => import("../commands/mutate.ts"),
  nack: () => import("../commands/nack.ts"),
  "namespace:get": () => import("../commands/namespace/get.ts"),
  "namespace:set:query": () => import("../commands/namespace/set/query.ts"),
  query: () => import("../commands/query.ts"),
  "queue:dlq:ls": () => import("../commands/queue/dlq/ls.ts"),
  "queue:dlq:purge": () => import("../commands/queue/dlq/purge.ts"),
  "queue:dlq:redrive": () => import("../commands/queue/dlq/redrive.ts"),
  "queue:dlq:show": () => import("../commands/queue/dlq/show.ts"),
  "queue:ls": () => import("../commands/queue/ls.ts"),
  release: () => import("../commands/release.ts"),
  remove: () => import("../commands/remove.ts"),
  run: () => import("../commands/run.ts"),
  serve: () => import("../commands/serve.ts"),
  set: () => import("../commands/set.ts"),
  stats: () => import("../commands/stats.ts"),
  status: () => import("../commands/status.ts"),
  subscribe: () => import("../commands/subscribe.ts"),
  update: () => import("../commands/update.ts"),
  "verify:store": () => import("../commands/verify/store.ts"),
  version: () => import("../commands/version.ts"),
  watch: () => import("../commands/watch.ts"),
  work: () => import("../commands/work.ts"),
};
