/** The Grafana board and the alerts ask for nothing that a server does not have. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type ObservedServer, startObservedServer } from "../support/observed-server.ts";

const devenv = path.join(import.meta.dirname, "../../devenv");

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Board {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: unknown }[];
  };
}

const board = JSON.parse(
  readFileSync(path.join(devenv, "grafana/lockd-overview.json"), "utf8"),
) as Board;
const expressions = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

const alerts = parse(readFileSync(path.join(devenv, "prometheus/alerts.yml"), "utf8")) as Alerts;
const conditions = alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));

let server: ObservedServer;
/** Names of series: a histogram has three. */
const names = new Set<string>();
let page: string;
beforeAll(async () => {
  server = await startObservedServer();
  page = await server.scrape();
  for (const [, name = "", type] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const parts = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const part of parts) names.add(name + part);
  }
});
afterAll(() => server.stop());

/** Metrics are followed by labels or stand alone; labels stand in braces and behind `by`. */
function metricsOf(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}/g, "{}").replaceAll(/by \([^)]*\)/g, "");
  return [...bare.matchAll(/\blockd_\w+/g)].map(([name]) => name);
}

test("every metric of the board and of the alerts is on the page of a server", () => {
  const variables = board.templating.list.map(({ query }) => JSON.stringify(query));
  const asked = [...expressions, ...conditions, ...variables].flatMap((text) =>
    metricsOf(text.replaceAll(/label_values\((\w+), \w+\)/g, "$1")),
  );
  expect(asked.length).toBeGreaterThan(40);
  expect(asked.filter((name) => !names.has(name))).toEqual([]);
});

test("the board is whole: a data source of the viewer's choice, panels that fit", () => {
  const variables = board.templating.list.map(({ name }) => name);
  expect(variables).toEqual(["datasource", "instance", "namespace"]);
  const ids = board.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { type, gridPos, datasource, targets = [] } of board.panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    if (type === "row") continue;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is Grafana's.
    expect(datasource?.uid).toBe("${datasource}");
    expect(targets.length).toBeGreaterThan(0);
  }
  for (const expression of expressions) {
    expect(expression.split("(").length).toBe(expression.split(")").length);
    for (const [, variable] of expression.matchAll(/\$(\w+)/g)) {
      expect(["instance", "namespace", "__rate_interval"]).toContain(variable);
    }
  }
});

test("the scrape configuration is one", () => {
  const text = readFileSync(path.join(devenv, "prometheus/prometheus.yml"), "utf8");
  const config = parse(text) as {
    readonly scrape_configs: readonly { readonly job_name: string }[];
  };
  expect(config.scrape_configs.map(({ job_name: name }) => name)).toEqual(["lockd"]);
});
