/** Every command line that a page shows is one of this lockd: command and flags are there. */
import { describe, expect, test } from "vitest";
import {
  commandIdOf,
  faultOf,
  lockdCommands,
  namedCommands,
  shellBlocks,
} from "./documented-commands.ts";
import { pages } from "./pages.ts";

const all = pages();
const withCommands = [...all].filter(([, page]) => shown(page).length > 0);

function shown(page: string): string[][] {
  return [...shellBlocks(page), ...namedCommands(page)].flatMap(lockdCommands);
}

function faults(page: string): (string | undefined)[] {
  return shown(page)
    .map(faultOf)
    .filter((fault) => fault !== undefined);
}

test.each(withCommands)("%s", (_, page) => {
  expect(faults(page)).toEqual([]);
});

/** `eval` of nothing succeeds: a failed acquire would go unnoticed. */
const deadGuard = /eval "\$\(lockd (?:acquire|dequeue)[^\n]*\)" *(?:\|\||&&)/;

test("no page watches for the failure of an eval, which hides it", () => {
  const guarded = [...all].filter(([, page]) =>
    shellBlocks(page).some((text) => deadGuard.test(text)),
  );
  expect(guarded.map(([file]) => file)).toEqual([]);
  expect('eval "$(lockd acquire a --ttl 1m)" || exit').toMatch(deadGuard);
});

test("the cheat sheet has every command of every day", () => {
  const lines = shellBlocks(all.get("docs/cheatsheet.md") ?? "").flatMap(lockdCommands);
  expect(lines.length).toBeGreaterThan(50);
  const ids = new Set(lines.map(commandIdOf));
  const known = ["run", "acquire", "keepalive", "release", "status", "get", "update", "mutate"];
  known.push("remove", "describe", "edit", "enqueue", "work", "dequeue", "ack", "nack", "extend");
  known.push("subscribe", "query", "top", "tui", "watch", "dev", "serve", "version");
  expect(known.filter((id) => !ids.has(id))).toEqual([]);
});

describe("what is found", () => {
  const block = (line: string) => faults(line.includes("`") ? line : `\`\`\`sh\n${line}\n\`\`\`\n`);

  test.each([
    ["lockd aquire orders", "there is no command aquire orders"],
    ["lockd acquire orders --tll 30s", "lockd acquire has no flag --tll"],
    ['eval "$(lockd acquire orders -z)"', "lockd acquire has no flag -z"],
    ["lockd run k -- sh -c 'lockd update --fast'", "lockd update has no flag --fast"],
    ["lockd get --public | lockd edit --now '/n++'", "lockd edit has no flag --now"],
    ["Some say `lockd brew tea`.", "there is no command brew tea"],
    ["lockd query '' \\\n  --deep", "lockd query has no flag --deep"],
  ])("%s", (line, fault) => {
    expect(block(line)).toEqual([fault]);
  });

  test.each([
    "lockd -s http://127.0.0.1:9341 status orders",
    "lockd run k --no-wait -- ./x --unknown-to-lockd",
    "lockd queue dlq redrive jobs --all   # once --whatever is gone",
    "cat /var/lib/lockd --all",
    "lockd client queue enqueue -q jobs -d x",
    "lockd acquire k --endpoint-shuffle --no-endpoint-shuffle",
  ])("%s is fine", (line) => {
    expect(block(line)).toEqual([]);
  });
});
