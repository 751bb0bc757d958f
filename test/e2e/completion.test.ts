/** Completion as the shells themselves do it, with live names of a store and of a server. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Place, type Started } from "./lockd-process.ts";

const program = path.join(import.meta.dirname, "../../bin/lockd.js");
const hasShell = (name: string): boolean => {
  if (spawnSync(name, ["-c", "true"]).status === 0) return true;
  console.warn(`no ${name} (apt-get install ${name}): its completion is not tried`);
  return false;
};

let place: Place;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  place = new Place();
  const bin = path.join(place.directory, "bin");
  mkdirSync(bin);
  symlinkSync(program, path.join(bin, "lockd"));
  const nodeFirst = path.dirname(process.execPath);
  env = {
    PATH: `${bin}:${nodeFirst}:${place.env.PATH}`,
    HOME: place.directory,
    // These tests are about what is answered, on machines of any load.
    LOCKD_COMPLETION_TIMEOUT: "20s",
  };
  for (const key of ["jobs/1", "jobs/2", "report"]) await place.run(["acquire", key]);
  const lease = await place.acquire(["files"]);
  for (const name of ["my report's $5.pdf", "plain.txt"]) {
    const words = ["attachments", "put", "--name", name, "--file", "-"];
    expect((await place.run(words, { env: lease, input: "x" })).code).toBe(0);
  }
  expect((await place.run(["release"], { env: lease })).code).toBe(0);
  await place.run(["enqueue", "mail", "-d", "x"]);
  await place.run(["enqueue", "mails", "-d", "x", "-n", "shop"]);
  await place.run(["context", "add", "production", "--server", "https://a"]);
  writeFileSync(path.join(place.directory, "state.json"), "{}");
}, 60_000);
afterAll(() => place.remove());

/** What bash would put into COMPREPLY for this line with the cursor at its end. */
async function bash(line: string, more: object = {}): Promise<readonly string[]> {
  const script = [
    'eval "$(lockd completion bash)"',
    `COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_WORDS=($LINE)`,
    'compopt() { echo "compopt $*"; }',
    "_lockd",
    `[ \${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join("\n");
  const words = ["bash", "--norc", "-c", script];
  const { stdout, stderr } = await place.runProgram(words, {
    env: { ...env, LINE: line, ...more },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((text) => text !== "");
}

vi.setConfig({ testTimeout: 120_000 });

/** Expects this of live names. */
async function names(line: string, expected: readonly string[], more: object = {}): Promise<void> {
  expect(await bash(line, more)).toEqual(expected);
}

describe("bash", () => {
  test("commands, topics, flags and their values", async () => {
    expect(await bash("lockd acq")).toEqual(["acquire"]);
    expect(await bash("lockd queue dlq ")).toEqual(["ls", "purge", "redrive", "show"]);
    expect(await bash("lockd get --ty")).toEqual(["--type"]);
    expect(await bash("lockd get --type=")).toEqual(["auto", "raw", "json", "yaml"]);
    expect(await bash("LOCKD_X=1 lockd -v stat")).toEqual(["stats", "status"]);
    expect(await bash("lockd update ")).toEqual(["compopt -o default -o filenames"]);
  });

  test("live names of the store, through nobody's server", async () => {
    await names("lockd status ", ["files", "jobs/1", "jobs/2", "report"]);
    await names("lockd status -k jobs/", ["jobs/1", "jobs/2"]);
    await names("lockd status --key=re", ["report"]);
    await names("lockd stats ma", ["mail"]);
    await names("lockd stats -n shop ma", ["mails"]);
    await names("lockd stats ma", ["mails"], { LOCKD_CLIENT_NAMESPACE: "shop" });
    await names("lockd get -n sh", ["shop"]);
    await names("lockd context use pr", ["production"]);
  });

  test("names that need quotes, in every kind of quotes", async () => {
    const get = "lockd attachments get files --public --name";
    await names(`${get} `, ["my\\ report\\'s\\ \\$5.pdf", "plain.txt"]);
    await names(`${get} 'my`, ["my report'\\''s $5.pdf"]);
    await names(`${get} "my`, ["my report's \\$5.pdf"]);
    // What bash would run is the name itself.
    const { stdout } = await place.runProgram(
      ["bash", "-c", `printf %s ${(await bash(`${get} my`))[0]}`],
      { env },
    );
    expect(stdout).toBe("my report's $5.pdf");
  });

  test("what cannot be answered is silent, and makes no store", async () => {
    const elsewhere = path.join(place.directory, "elsewhere");
    expect(await bash("lockd status ", { LOCKD_CONFIG_DIR: elsewhere })).toEqual([]);
    expect(existsSync(elsewhere)).toBe(false);
    expect(await bash("lockd -s http://127.0.0.1:1 status ")).toEqual([]);
    expect(await bash("lockd status --context nowhere ")).toEqual([]);
    expect(await bash("lockd nonsense ")).toEqual([]);
    expect(await bash("lockd status ", { LOCKD_CONFIG: "/nowhere.yaml" })).toEqual([]);
  });
});

test.runIf(hasShell("zsh"))("zsh: words, names and files", async () => {
  const zsh = async (words: readonly string[]): Promise<readonly string[]> => {
    const script = [
      "compdef() { : }; _files() { print -r files }",
      `compadd() { [[ "$*" == *"-S"* ]] && print nospace; print -rl -- "\${values[@]}" }`,
      'eval "$(lockd completion zsh)"',
      `words=("$@") CURRENT=$# PREFIX="\${@[-1]}"`,
      "_lockd",
    ].join("\n");
    const ended = await place.runProgram(["zsh", "-f", "-c", script, "zsh", ...words], { env });
    expect(ended.stderr).toBe("");
    return ended.stdout.split("\n").filter((text) => text !== "");
  };
  expect(await zsh(["lockd", "stat"])).toEqual(["stats", "status"]);
  expect(await zsh(["lockd", "status", "jobs/"])).toEqual(["jobs/1", "jobs/2"]);
  expect(await zsh(["lockd", "status", "--key=re"])).toEqual(["--key=report"]);
  expect(await zsh(["lockd", "attachments", "get", "files", "--name", "my"])).toEqual([
    "my report's $5.pdf",
  ]);
  expect(await zsh(["lockd", "update", ""])).toEqual(["files"]);
});

test.runIf(hasShell("fish"))("fish: words, names and files", async () => {
  const fish = async (line: string): Promise<readonly string[]> => {
    const script = `lockd completion fish | source; complete -C ${JSON.stringify(line)}`;
    const { stdout } = await place.runProgram(["fish", "-N", "-c", script], { env });
    return stdout.split("\n").filter((text) => text !== "");
  };
  expect(await fish("lockd sta")).toEqual([
    expect.stringMatching(/^stats\t./),
    expect.stringMatching(/^status\t./),
  ]);
  expect(await fish("lockd status jobs/")).toEqual(["jobs/1", "jobs/2"]);
  expect(await fish("lockd attachments get files --name my")).toEqual([
    expect.stringContaining("my report"),
  ]);
  expect((await fish("lockd update sta")).join()).toContain("state.json");
});

describe("through a server", () => {
  let server: Started & { readonly url: string };
  beforeAll(async () => {
    server = await place.serve();
  });
  afterAll(async () => {
    server.child.kill("SIGTERM");
    await server.ended;
  });

  test("names come over its socket and over HTTP; of very many keys their beginnings", async () => {
    await names("lockd status jobs/", ["jobs/1", "jobs/2"]);
    await names(`lockd -s ${server.url} status jobs/`, ["jobs/1", "jobs/2"]);
    const { connect } = await import("../../dist/index.js" as string);
    const client = connect({ endpoints: server.url });
    for (let at = 0; at < 60; at += 1) {
      for (const key of [`many/a/${at}`, `many/b/${at}`]) await client.acquire({ key });
    }
    await client.close();
    await names("lockd status many", ["compopt -o nospace", "many/"]);
    await names("lockd status many/", ["compopt -o nospace", "many/a/", "many/b/"]);
    expect((await bash("lockd status many/a/1")).length).toBe(11);
  });

  test("a server that does not answer in time is not waited for", async () => {
    server.child.kill("SIGSTOP");
    try {
      const startedAt = performance.now();
      const limit = { LOCKD_COMPLETION_TIMEOUT: "" };
      expect(await bash(`lockd -s ${server.url} status `, limit)).toEqual([]);
      // Not the 15 s of a request; two starts of Node and of bash on a busy machine.
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    } finally {
      server.child.kill("SIGCONT");
    }
  });
});

test("the bytecode that is kept is that of a run that asked for names", async () => {
  const cache = path.join(place.directory, "cache");
  const kept = (): readonly string[] => {
    const directory = path.join(cache, "lockd", "code");
    return existsSync(directory)
      ? readdirSync(directory).filter((n) => n.endsWith("complete"))
      : [];
  };
  await bash("lockd acq", { XDG_CACHE_HOME: cache });
  expect(kept()).toEqual([]);
  await bash("lockd status jo", { XDG_CACHE_HOME: cache });
  expect(kept()).toHaveLength(1);
});
