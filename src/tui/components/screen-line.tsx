import { Text } from "ink";
import { memo } from "react";
import type { Line } from "../view/line.ts";
import { looksOf } from "./palette.ts";

export interface ScreenLineProps {
  readonly line: Line;
  readonly hasColour: boolean;
}

/** One line of the screen. Drawn again only when it is another line. */
export const ScreenLine = memo(function ScreenLine({ line, hasColour }: ScreenLineProps) {
  if (line.spans.length === 0) return <Text> </Text>;
  const { selected } = line;
  return (
    <Text wrap="truncate-end" inverse={selected}>
      {line.spans.map(({ text, tone }, at) => (
        <Text key={String(at)} {...looksOf(tone, hasColour && !selected)}>
          {text}
        </Text>
      ))}
    </Text>
  );
});
