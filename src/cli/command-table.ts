import type { BaseCommand, CommandContext } from "./base-command.ts";

export type CommandClass = new (argv: readonly string[], context: CommandContext) => BaseCommand;

type LoadCommand = () => Promise<{ readonly default: CommandClass }>;

/** How each command is loaded: written out, so that the build can put them into one file. */
export const commandTable: Readonly<Record<string, LoadCommand>> = {
  acquire: () => import("../commands/acquire.ts"),
  "attachments:delete": () => import("../commands/attachments/delete.ts"),
  "attachments:delete-all": () => import("../commands/attachments/delete-all.ts"),
  "attachments:get": () => import("../commands/attachments/get.ts"),
  "attachments:list": () => import("../commands/attachments/list.ts"),
  "attachments:put": () => import("../commands/attachments/put.ts"),
  "config:gen": () => import("../commands/config/gen.ts"),
  "config:show": () => import("../commands/config/show.ts"),
  describe: () => import("../commands/describe.ts"),
  edit: () => import("../commands/edit.ts"),
  get: () => import("../commands/get.ts"),
  "index:flush": () => import("../commands/index/flush.ts"),
  "index:rebuild": () => import("../commands/index/rebuild.ts"),
  keepalive: () => import("../commands/keepalive.ts"),
  "namespace:get": () => import("../commands/namespace/get.ts"),
  "namespace:set:query": () => import("../commands/namespace/set/query.ts"),
  query: () => import("../commands/query.ts"),
  mutate: () => import("../commands/mutate.ts"),
  release: () => import("../commands/release.ts"),
  remove: () => import("../commands/remove.ts"),
  run: () => import("../commands/run.ts"),
  serve: () => import("../commands/serve.ts"),
  set: () => import("../commands/set.ts"),
  status: () => import("../commands/status.ts"),
  top: () => import("../commands/top.ts"),
  "txn:begin": () => import("../commands/txn/begin.ts"),
  "txn:commit": () => import("../commands/txn/commit.ts"),
  "txn:explain": () => import("../commands/txn/explain.ts"),
  "txn:list": () => import("../commands/txn/list.ts"),
  "txn:prepare": () => import("../commands/txn/prepare.ts"),
  "txn:replay": () => import("../commands/txn/replay.ts"),
  "txn:rollback": () => import("../commands/txn/rollback.ts"),
  update: () => import("../commands/update.ts"),
  "verify:store": () => import("../commands/verify/store.ts"),
  version: () => import("../commands/version.ts"),
  watch: () => import("../commands/watch.ts"),
};
