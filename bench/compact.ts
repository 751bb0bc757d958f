/** Compaction speed against `JSON.parse` on the same bytes, in one run. */
import { compactJson } from "../src/lql/json/compact.ts";

const record = (n: number) => ({
  id: n,
  name: `customer ${n}`,
  tags: ["a", "bb", "ccc"],
  note: "x".repeat(120),
  balance: n * 1.25,
  nested: { ok: true, none: null, list: [n, n + 1, n + 2] },
});
const value = Array.from({ length: 20_000 }, (_, n) => record(n));
const samples = {
  compact: Buffer.from(JSON.stringify(value)),
  pretty: Buffer.from(JSON.stringify(value, undefined, 2)),
  small: Buffer.from(JSON.stringify({ n: 1, owner: "worker", note: "y".repeat(250) })),
};

function megabytesPerSecond(bytes: Buffer, run: () => void): number {
  const rounds = Math.max(3, Math.ceil(60_000_000 / bytes.length));
  run();
  const from = process.hrtime.bigint();
  for (let round = 0; round < rounds; round += 1) run();
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  return (bytes.length * rounds) / seconds / 1e6;
}

for (const [name, bytes] of Object.entries(samples)) {
  const text = bytes.toString();
  const compacting = megabytesPerSecond(bytes, () => compactJson(bytes, 10_000));
  const parsing = megabytesPerSecond(bytes, () => JSON.parse(text));
  console.log(
    `${name.padEnd(8)} ${bytes.length} B: compact ${compacting.toFixed(0)} MB/s, ` +
      `JSON.parse ${parsing.toFixed(0)} MB/s, ratio ${(compacting / parsing).toFixed(2)}`,
  );
}
