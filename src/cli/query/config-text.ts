import type { NamespaceConfig } from "../../api/queries.ts";
import { jsonText } from "../output.ts";

/** A namespace's configuration as the namespace commands print it (cli.md section 11). */
export function namespaceConfigText(config: NamespaceConfig, type: "json" | "text"): string {
  const { namespace, preferredEngine, fallbackEngine, etag } = config;
  if (type === "json") {
    const query = { preferred_engine: preferredEngine, fallback_engine: fallbackEngine };
    return jsonText({ namespace, query, etag });
  }
  const lines = [
    `Namespace: ${namespace}`,
    `Preferred query engine: ${preferredEngine}`,
    `Fallback query engine: ${fallbackEngine}`,
    ...(etag === undefined ? [] : [`ETag: ${etag}`]),
  ];
  return `${lines.join("\n")}\n`;
}
