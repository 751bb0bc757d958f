/** Queues, one a row. */
import type { QueueSummary } from "../../api/queues.ts";
import { queueId } from "../view-model/queue-rates.ts";
import { focused } from "../view-model/state.ts";
import { sparkline } from "./bars.ts";
import type { Drawing } from "./drawing.ts";
import { type Span, span, type Tone } from "./line.ts";
import { ageText, compact, isAtLeast, rateText } from "./numbers.ts";
import { type Column, type Table, table } from "./table.ts";

export function queueTable(drawing: Drawing): Table<QueueSummary> {
  return table(columns(drawing), drawing.state.size.columns);
}

function columns({ state, glyphs }: Drawing): readonly Column<QueueSummary>[] {
  const { rates, following } = focused(state);
  // Nobody counted while nothing was told: that is not the same as nothing happening.
  const rateOf = (queue: QueueSummary) =>
    following === "yes" ? rates.get(queueId(queue)) : undefined;
  return [
    {
      title: "QUEUE",
      width: 14,
      grow: 1,
      widthMax: 64,
      cell: (queue) => span(queueId(queue), "strong"),
    },
    count("READY", 6, (queue) => messages(queue, queue.ready, "plain")),
    count("DELAY", 5, (queue) => messages(queue, queue.delayed, "plain")),
    count("FLIGHT", 6, (queue) => messages(queue, queue.inFlight, "good")),
    count("DEAD", 5, (queue) => number(queue.dead, "bad", isAtLeast(queue, "dead"))),
    {
      title: "OLDEST",
      width: 7,
      align: "right",
      cell: ({ oldestAgeSeconds: age }) =>
        age === undefined ? span("-", "faint") : ageText(age * 1000),
    },
    {
      title: "IN/S",
      width: 5,
      align: "right",
      cell: (queue) => rateText(rateOf(queue)?.inRate),
    },
    {
      title: "OUT/S",
      width: 5,
      align: "right",
      cell: (queue) => rateText(rateOf(queue)?.outRate),
    },
    {
      title: "RATE",
      width: 8,
      grow: 1,
      widthMax: 32,
      from: 90,
      cell: (queue, width) =>
        span(sparkline(rateOf(queue)?.samples ?? [], width, glyphs), "accent"),
    },
  ];
}

function count(
  title: string,
  width: number,
  cell: (queue: QueueSummary) => Span,
): Column<QueueSummary> {
  return { title, width, align: "right", cell };
}

function messages(queue: QueueSummary, value: number, tone: Tone): Span {
  return number(value, tone, isAtLeast(queue, "messages"));
}

function number(value: number, tone: Tone, isOpen: boolean): Span {
  return span(`${compact(value)}${isOpen ? "+" : ""}`, value === 0 ? "faint" : tone);
}
