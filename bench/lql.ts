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

function perSecond(units: number, rounds: number, run: () => void): number {
  for (let round = 0; round < Math.max(3, rounds / 5); round += 1) run();
  const from = process.hrtime.bigint();
  for (let round = 0; round < rounds; round += 1) run();
  return (units * rounds) / (Number(process.hrtime.bigint() - from) / 1e9);
}

const typical = "/status=open, /total>=100, not.exists{/deleted_at}";
const plans = perSecond(1, 20_000, () =>
  compileSelector(checkSelector(parseSelector(typical)), { nowMs }),
);
console.log(`parse + plan of ${typical}: ${(1e6 / plans).toFixed(1)} µs (target 20)`);

for (const [name, bytes] of Object.entries(documents)) {
  const rounds = Math.max(5, Math.ceil(60_000_000 / bytes.length));
  const text = bytes.toString();
  const parsing = perSecond(bytes.length, rounds, () => JSON.parse(text)) / 1e6;
  console.log(`${name}: ${bytes.length} B, JSON.parse ${parsing.toFixed(0)} MB/s`);
  for (const selector of selectors) {
    const matcher = compileSelector(checkSelector(parseSelector(selector)), { nowMs });
    const matching = perSecond(bytes.length, rounds, () => matcher.matches(bytes)) / 1e6;
    const ratio = (matching / parsing).toFixed(2);
    console.log(`  ${selector.padEnd(52)} ${matching.toFixed(0)} MB/s, ratio ${ratio}`);
  }
}
