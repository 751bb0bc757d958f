import { expect, test } from "vitest";
import {
  Progress,
  progressJson,
  progressLine,
  progressMode,
  sizeText,
} from "../../src/cli/progress.ts";

const transfer = { label: "model.bin", done: 450 * 2 ** 20, total: 2 ** 30, elapsedMs: 3_000 };

test("a bar with share, amount, speed and what is left", () => {
  expect(progressLine(transfer, 100)).toBe(
    "model.bin  [##########--------------]   43%  450 MiB of 1.0 GiB  150 MiB/s  4s left",
  );
  expect(progressLine({ ...transfer, done: 2 ** 30 }, 100)).toContain("100%");
  expect(progressLine({ ...transfer, done: 0, elapsedMs: 0 }, 100)).toContain("  0%");
});

test("without a known length there is no bar to fill", () => {
  expect(progressLine({ ...transfer, total: undefined }, 100)).toBe(
    "model.bin  450 MiB  150 MiB/s",
  );
});

test("things are counted by their name, whole", () => {
  const letters = { label: "redrive jobs", total: 1_000, counted: "letters", elapsedMs: 2_000 };
  expect(progressLine({ ...letters, done: 301 }, 100)).toBe(
    "redrive jobs  [#######-----------------]   30%  301 of 1000 letters  151/s  5s left",
  );
  expect(progressLine({ ...letters, total: undefined, done: 301 }, 100)).toBe(
    "redrive jobs  301 letters  151/s",
  );
  // More than there were when it began.
  expect(progressLine({ ...letters, done: 1_200 }, 100)).toContain("100%  1200 of 1200 letters");
  expect(JSON.parse(progressJson({ ...letters, done: 300 }))).toEqual({
    progress: "redrive jobs",
    counted: "letters",
    done: 300,
    total: 1_000,
    elapsed_ms: 2_000,
  });
});

test.each([20, 40, 60, 80])("a terminal of %i columns is never overrun", (columns) => {
  const label = "a very long name of an attachment that nobody would choose.tar.gz";
  for (const total of [transfer.total, undefined]) {
    const line = progressLine({ ...transfer, label, total }, columns);
    expect(line.length).toBeLessThan(columns);
    expect(line).toContain(total === undefined ? "MiB" : "[##");
  }
});

test("sizes read well at every scale", () => {
  expect([0, 1023, 1024, 150 * 1024, 2 ** 40, 2 ** 60].map(sizeText)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "150 KiB",
    "1.0 TiB",
    "1048576 TiB",
  ]);
});

test("a bar is for people, lines are for who asks", () => {
  const terminal = { isTerminal: true, json: false };
  expect(progressMode("auto", terminal)).toBe("bar");
  expect(progressMode("auto", { ...terminal, json: true })).toBe("off");
  expect(progressMode("auto", { ...terminal, isTerminal: false })).toBe("off");
  expect(progressMode("json", { isTerminal: false, json: true })).toBe("json");
  expect(progressMode("off", terminal)).toBe("off");
  expect(JSON.parse(progressJson(transfer))).toEqual({
    progress: "model.bin",
    bytes: transfer.done,
    total_bytes: transfer.total,
    elapsed_ms: 3_000,
  });
});

async function* twoPieces(pauseMs: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from("first");
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  yield Buffer.from("second");
}

async function drawn(mode: "bar" | "json" | "off", pauseMs: number): Promise<string> {
  let written = "";
  const output = { columns: 80, write: (text: string) => (written += text) };
  const progress = new Progress({ label: "f", total: 11 }, mode, output);
  let bytes = "";
  for await (const chunk of progress.of(twoPieces(pauseMs))) bytes += chunk.toString();
  expect(bytes).toBe("firstsecond");
  return written;
}

test("what is over soon shows nothing; what lasts is shown and wiped away again", async () => {
  expect(await drawn("bar", 1)).toBe("");
  expect(await drawn("off", 1_500)).toBe("");
  const bar = await drawn("bar", 1_500);
  expect(bar).toContain(" 45%");
  expect(bar.endsWith("\r\u001b[K")).toBe(true);
  const [line] = (await drawn("json", 2_300)).split("\n");
  expect(JSON.parse(line ?? "")).toMatchObject({ progress: "f", bytes: 5 });
});
