import { Box } from "ink";
import { useSyncExternalStore } from "react";
import type { Frames } from "../frames.ts";
import { ScreenLine } from "./screen-line.tsx";

export interface DashboardScreenProps {
  readonly frames: Frames;
  readonly columns: () => number;
  readonly hasColour: boolean;
}

/** The frame as it is, line by line; decides nothing. */
export function DashboardScreen({ frames, columns, hasColour }: DashboardScreenProps) {
  const lines = useSyncExternalStore(frames.subscribe, frames.current);
  const width = columns();
  return (
    <Box flexDirection="column" width={width}>
      {lines.map((line, at) => (
        <ScreenLine key={String(at)} line={line} hasColour={hasColour} />
      ))}
    </Box>
  );
}
