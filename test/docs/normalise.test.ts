/** What differs from run to run is made alike, and nothing else. */
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { normalised } from "../../scripts/recording/normalise.ts";

const home = "/tmp/lockd-session-x";

test.each([
  [
    "ids, by the order in which they come",
    "dc4qimarpqc4utovpgq0 dc4qimarpqc4utovpgqg dc4qimarpqc4utovpgq0",
    "d4c00000000000000010 d4c00000000000000020 d4c00000000000000010",
  ],
  ["UUIDs", "01a21dbd-8653-73cd-a59a-9b2a57799033", "019ab0c0-0000-7000-8000-000000000001"],
  [
    "times",
    '"at": "2027-01-02T03:04:05.678Z", "unix": 1798902245',
    '"at": "2026-11-24T12:00:00Z", "unix": 1795521600',
  ],
  ["durations", "(in 12s) (3s ago) retry after 7s", "(in 29s) (1s ago) retry after 29s"],
  [
    "measured members",
    '"uptime_ms": 1.25, "ttl_seconds": 30',
    '"uptime_ms": 1000, "ttl_seconds": 30',
  ],
  ["the place", `${home}/.lockd ${home}/tmp/a`, "/home/ada/.lockd /tmp/a"],
  ["this machine", `${hostname()}-123 web-7-4711`, "laptop-4711 web-7-4711"],
])("%s", (_, text, expected) => {
  expect(normalised(text, home)).toBe(expected);
});

test.each([
  "exit code 5",
  '"version": 17, "fencing_token": 42',
  "etag 4e8aff48595e2b61c0ffee00",
  "message 12 of 20",
])("%s stays", (text) => {
  expect(normalised(text, home)).toBe(text);
});
