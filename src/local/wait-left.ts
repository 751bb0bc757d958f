/** What is left of a bounded wait in seconds; when nothing is, one last look (-1). */
export function waitLeft(waitSeconds: number | undefined, elapsedMs: number): number | undefined {
  if (waitSeconds === undefined || waitSeconds <= 0) return waitSeconds;
  const left = Math.ceil(waitSeconds - elapsedMs / 1_000);
  return left > 0 ? left : -1;
}
