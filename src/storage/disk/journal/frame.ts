/**
 * Bytes of the journal. A segment begins with a header (magic, generation, salt) and is followed by
 * frames, each one write and one sync, holding whole plans only:
 *
 *     0  the segment's salt (u32 LE)      4  crc32 (u32) of everything behind it in the frame
 *     8  length of the payload (u32)     12  number of entries (u32)
 *    16  entries: kind (u8), length of the name (u16), seq (u48), length of the bytes (u32), both
 *
 * The salt is new with every use of a segment, so frames of an earlier use of the file, and bytes
 * that a caller made to look like a frame, never pass for one. A frame without entries seals.
 */
import { crc32 } from "node:zlib";

export const segmentHeaderBytes = 32;
export const frameHeaderBytes = 16;
const entryHeaderBytes = 13;
/** Bytes of one UTF-16 unit in UTF-8 at most. */
const utf8BytesMax = 3;
const segmentMagic = Buffer.from("LKJOURN1");

export interface JournalEntry {
  readonly name: string;
  /** undefined: the name was deleted. */
  readonly bytes: Uint8Array | undefined;
  readonly seq: number;
}

export interface SegmentHeader {
  readonly generation: number;
  readonly salt: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  segmentMagic.copy(bytes);
  bytes.writeUIntLE(header.generation, 8, 6);
  bytes.writeUInt32LE(header.salt, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** Undefined when the bytes are no segment header. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, 8).equals(segmentMagic)) {
    return undefined;
  }
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return undefined;
  return { generation: bytes.readUIntLE(8, 6), salt: bytes.readUInt32LE(16) };
}

export function entryLength(entry: JournalEntry): number {
  return entryHeaderBytes + Buffer.byteLength(entry.name) + (entry.bytes?.length ?? 0);
}

/** Bytes an entry takes at most, without looking at every character of its name. */
export function entryLengthMax(name: string, bytesLength: number): number {
  return entryHeaderBytes + name.length * utf8BytesMax + bytesLength;
}

/** One frame; without entries it is the seal of a segment that is full. */
export function encodeFrame(entries: readonly JournalEntry[], salt: number): Buffer {
  return new FrameEncoder().encode(entries, salt);
}

/** Encodes frame after frame into one buffer: a frame is valid until the next one is encoded. */
export class FrameEncoder {
  #buffer = Buffer.alloc(0);

  encode(entries: readonly JournalEntry[], salt: number): Buffer {
    let length = frameHeaderBytes;
    for (const entry of entries) length += entryLength(entry);
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(length * 2);
    const frame = this.#buffer.subarray(0, length);
    writeFrame(frame, entries, salt);
    return frame;
  }
}

function writeFrame(frame: Buffer, entries: readonly JournalEntry[], salt: number): void {
  frame.writeUInt32LE(salt, 0);
  frame.writeUInt32LE(frame.length - frameHeaderBytes, 8);
  frame.writeUInt32LE(entries.length, 12);
  let at = frameHeaderBytes;
  for (const { name, bytes, seq } of entries) {
    const nameLength = frame.write(name, at + entryHeaderBytes, "utf8");
    frame[at] = bytes === undefined ? 0 : 1;
    frame.writeUInt16LE(nameLength, at + 1);
    frame.writeUIntLE(seq, at + 3, 6);
    frame.writeUInt32LE(bytes?.length ?? 0, at + 9);
    at += entryHeaderBytes + nameLength;
    if (bytes !== undefined) {
      frame.set(bytes, at);
      at += bytes.length;
    }
  }
  frame.writeUInt32LE(crc32(frame.subarray(8), salt), 4);
}

/** The frame at an offset; undefined when there is no valid one. */
export function decodeFrame(
  segment: Buffer,
  at: number,
  salt: number,
): { readonly entries: readonly JournalEntry[]; readonly end: number } | undefined {
  if (at + frameHeaderBytes > segment.length) return undefined;
  if (segment.readUInt32LE(at) !== salt) return undefined;
  const end = at + frameHeaderBytes + segment.readUInt32LE(at + 8);
  if (end > segment.length) return undefined;
  if (segment.readUInt32LE(at + 4) !== crc32(segment.subarray(at + 8, end), salt)) return undefined;
  const entries: JournalEntry[] = [];
  let from = at + frameHeaderBytes;
  for (let left = segment.readUInt32LE(at + 12); left > 0; left -= 1) {
    const kind = segment[from];
    const nameAt = from + entryHeaderBytes;
    const bytesAt = nameAt + segment.readUInt16LE(from + 1);
    const next = bytesAt + segment.readUInt32LE(from + 9);
    entries.push({
      name: segment.toString("utf8", nameAt, bytesAt),
      seq: segment.readUIntLE(from + 3, 6),
      bytes: kind === 0 ? undefined : segment.subarray(bytesAt, next),
    });
    from = next;
  }
  return { entries, end };
}
