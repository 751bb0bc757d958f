/** What a query sees of a record is what the record says. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { isInternalKey, visibleDocument } from "../../../src/engine/query/committed-view.ts";
import type { KeyRecord, StoredState } from "../../../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../../../src/engine/record/record-codec.ts";

const id = "c5v9d0sl70b3m3q8ndg0";
const etag = "e".repeat(64);

const states: fc.Arbitrary<StoredState> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes): StoredState => {
    return { etag, size: bytes.length, place: { kind: "inline", bytes } };
  }),
  fc.nat().map((size): StoredState => {
    return { etag, size, place: { kind: "object", name: `b/n"s/${size}` } };
  }),
);

const records: fc.Arbitrary<KeyRecord> = fc
  .record({
    version: fc.nat({ max: 5 }),
    state: fc.option(states, { nil: undefined }),
    queryHidden: fc.option(fc.boolean(), { nil: undefined }),
    stagedState: fc.option(states, { nil: undefined }),
    isStaged: fc.boolean(),
    isLeased: fc.boolean(),
  })
  .map(({ version, state, queryHidden, stagedState, isStaged, isLeased }) => ({
    version,
    fencingToken: 3,
    updatedAtUnix: 9,
    state,
    queryHidden,
    attachments: [],
    lease: isLeased
      ? {
          id,
          owner: 'the "owner"',
          txnId: id,
          explicit: false,
          fencingToken: 3,
          acquiredAtUnix: 1,
          expiresAtUnix: 2,
        }
      : undefined,
    staged: isStaged
      ? {
          txnId: id,
          version: version + 1,
          removed: false,
          queryHidden: queryHidden !== true,
          state: stagedState,
          attachments: undefined,
        }
      : undefined,
    lastCommit: undefined,
    binding: undefined,
  }));

test("the committed half, and nothing of what is staged", () => {
  fc.assert(
    fc.property(records, (record) => {
      const bytes = encodeRecord(record, id);
      const seen = visibleDocument("k/n/a", bytes);
      const { version, state, queryHidden } = decodeRecord("k/n/a", bytes).record;
      if (version === 0 || state === undefined || queryHidden === true) {
        expect(seen).toBeUndefined();
      } else if (state.place.kind === "inline") {
        expect(seen).toMatchObject({ kind: "inline", version });
        expect(seen?.kind === "inline" && Buffer.from(seen.bytes)).toEqual(
          Buffer.from(state.place.bytes),
        );
      } else {
        expect(seen).toEqual({ kind: "object", version, name: state.place.name, size: state.size });
      }
    }),
  );
});

test("a damaged record is named", () => {
  const record: KeyRecord = {
    version: 1,
    fencingToken: 1,
    updatedAtUnix: 1,
    state: { etag, size: 2, place: { kind: "inline", bytes: Buffer.from("{}") } },
    queryHidden: undefined,
    attachments: [],
    lease: undefined,
    staged: undefined,
    lastCommit: undefined,
    binding: undefined,
  };
  const bytes = encodeRecord(record, id);
  for (const damage of [
    (copy: Buffer) => copy.fill(0xff, 30, 31),
    (copy: Buffer) => copy.fill(9, 2, 3),
    (copy: Buffer) => copy.subarray(0, copy.length - 1),
    () => Buffer.from("x"),
  ]) {
    const damaged = damage(Buffer.from(bytes));
    expect(() => visibleDocument("k/n/a", damaged)).toThrow(StoreFailure);
  }
});

test("keys that belong to lockd itself", () => {
  for (const key of ["q/a/msg/1", "q/a/state/1", "lockd-diagnostics/a"]) {
    expect(isInternalKey(key)).toBe(true);
  }
  for (const key of ["q", "q/a", "q/a/msg", "q/a/msg/1/2", "x/q/a/msg/1", "lockd-diagnostics"]) {
    expect(isInternalKey(key)).toBe(false);
  }
});
