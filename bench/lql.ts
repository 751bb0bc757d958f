/** Selectors: matching against `JSON.parse` on the same bytes, and parse + plan, in one run. */
import { compileSelector } from "../src/lql/match/compile-selector.ts";
import { checkSelector } from "../src/lql/selector/check-selector.ts";
import { parseSelector } from "../src/lql/selector/parse-selector.ts";

const nowMs = Date.UTC(2026, 0, 1);

const order = (n: number) => ({
  id: `order-${n}`,
  customer: { name: `customer ${n}`, email: `customer-${n}@example.org`, vip: n % 7 === 0 },
  lines: Array.from({ length: 6 }, (_, line) => ({ sku: `A${n + line}`, count: line, price: 9.5 })),
  note: "please leave the parcel with the neighbours; they are at home until the evening. ".repeat(
    7,
  ),
  tags: ["fragile", "gift"],
  total: n * 1.25,
  created_at: "2025-03-01T10:00:00Z",
  status: n % 100 === 0 ? "open" : "shipped",
});

const documents = {
  "1 KB document": Buffer.from(JSON.stringify(order(1))),
  "10 MB document": Buffer.from(
    JSON.stringify({ orders: Array.from({ length: 9_500 }, (_, n) => order(n)), status: "full" }),
  ),
};

const selectors = [
  "/status=open",
  "/status=open,/total>=100,not.exists{/deleted_at}",
  "/lines[]/sku=B1",
  "/orders[]/customer/name=nobody",
  "icontains{f=/note,a=missing|lost}",
  "/.../sku=B1",
];

const batches = 9;

/** Seconds of one round, the best of several batches: other work on the machine is left out. */
function secondsEach(rounds: number, run: () => void): number {
  const from = process.hrtime.bigint();
  for (let round = 0; round < rounds; round += 1) run();
  return Number(process.hrtime.bigint() - from) / 1e9 / rounds;
}

const typical = "/status=open, /total>=100, not.exists{/deleted_at}";
const plan = () => compileSelector(checkSelector(parseSelector(typical)), { nowMs });
// Batches short enough to run between two turns of other processes; the first ones warm up.
const plans = Array.from({ length: 200 }, () => secondsEach(200, plan) * 1e6).sort((a, b) => a - b);
const [best = 0, median = 0] = [plans[0], plans[plans.length / 2]];
console.log(
  `parse + plan of ${typical}: ${best.toFixed(1)} µs at best, ` +
    `median ${median.toFixed(1)} µs (target 20)`,
);

for (const [name, bytes] of Object.entries(documents)) {
  const rounds = Math.ceil(12_000_000 / bytes.length);
  const text = bytes.toString();
  console.log(`${name}: ${bytes.length} B (target 0.5 x JSON.parse)`);
  for (const selector of selectors) {
    const matcher = compileSelector(checkSelector(parseSelector(selector)), { nowMs });
    let parsing = Number.POSITIVE_INFINITY;
    let matching = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < batches; batch += 1) {
      parsing = Math.min(
        parsing,
        secondsEach(rounds, () => JSON.parse(text)),
      );
      matching = Math.min(
        matching,
        secondsEach(rounds, () => matcher.matches(bytes)),
      );
    }
    const rate = (seconds: number) => `${(bytes.length / seconds / 1e6).toFixed(0)} MB/s`;
    console.log(
      `  ${selector.padEnd(50)} ${rate(matching)}, JSON.parse ${rate(parsing)}, ` +
        `ratio ${(parsing / matching).toFixed(2)}`,
    );
  }
}

/** A document of any size streams through one buffer. */
const streamedBytes = 512 * 1024 * 1024;
const chunk = Buffer.alloc(256 * 1024, `{"name":"some text","n":1234.5,"list":[1,2,3]},`);
const match = compileSelector(
  checkSelector(parseSelector("or.eq{f=/.../name,v=none},or.contains{f=/note,v=missing}")),
  { nowMs },
).start();
const plainText = chunk.map((byte) => (byte === 0x22 ? 0x27 : byte));
match.push(Buffer.from('{"note":"'));
const before = process.memoryUsage.rss();
let peak = before;
for (let at = 0; at < streamedBytes / 2; at += chunk.length) {
  match.push(plainText);
  peak = Math.max(peak, process.memoryUsage.rss());
}
match.push(Buffer.from('","items":['));
const items = chunk.subarray(0, chunk.lastIndexOf("},") + 2);
for (let at = 0; at < streamedBytes / 2; at += items.length) {
  match.push(items);
  peak = Math.max(peak, process.memoryUsage.rss());
}
match.push(Buffer.from('0],"name":"none"}'));
if (!match.end()) throw new Error("the last member was not found");
const growth = ((peak - before) / 1024 / 1024).toFixed(0);
console.log(`512 MiB streamed: memory growth ${growth} MiB (target below 64)`);
