import { Box, Text } from "ink";
import { useSyncExternalStore } from "react";
import type { Dashboard } from "../dashboard.ts";
import { spokenLines } from "../view/spoken.ts";

/** The screen as sentences; drawn again only when they say something else. */
export function SpokenScreen({ dashboard }: { readonly dashboard: Dashboard }) {
  const text = useSyncExternalStore(dashboard.subscribe, () =>
    spokenLines(dashboard.state).join("\n"),
  );
  return (
    <Box flexDirection="column">
      {text.split("\n").map((sentence, at) => (
        <Text key={String(at)}>{sentence}</Text>
      ))}
    </Box>
  );
}
