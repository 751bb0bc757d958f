/** Where the rows of a documents query go: standard output, one file, or a file each. */
import path from "node:path";
import type { DocumentRow } from "../../api/queries.ts";
import { writeOut } from "../output.ts";
import { Replacement } from "../replace-file.ts";
import { writing } from "../unwritable.ts";
import { DocumentNames } from "./document-names.ts";

export interface RowSink {
  row(row: DocumentRow): Promise<void>;
  /** All rows are there: makes them visible. */
  commit(): Promise<void>;
  /** Leaves nothing half done behind; does nothing after a commit. */
  abandon(): Promise<void>;
}

export interface SinkOptions {
  /** A file; undefined or `-` for standard output. */
  readonly file: string | undefined;
  readonly directory: string | undefined;
  /** The whole row instead of the document. */
  readonly rows: boolean;
}

type Write = (bytes: Uint8Array | string) => Promise<void>;

export async function openSink({ file, directory, rows }: SinkOptions): Promise<RowSink> {
  if (directory !== undefined) return await openDirectory(directory, rows);
  if (file === undefined || file === "-") {
    const nothing = () => Promise.resolve();
    return { row: (row) => writeRow(row, rows, writeOut), commit: nothing, abandon: nothing };
  }
  const replacement = await Replacement.open(file);
  return {
    row: (row) => writeRow(row, rows, (bytes) => replacement.write(bytes)),
    commit: () => replacement.commit(),
    abandon: () => replacement.abandon(),
  };
}

/** Each file appears when it is complete, so that those of a broken stream are whole too. */
async function openDirectory(directory: string, rows: boolean): Promise<RowSink> {
  const { makeDirectory } = await import("../../storage/make-directory.ts");
  await writing(directory, () => makeDirectory(directory, 0o755));
  const names = new DocumentNames();
  return {
    row: async (row) => {
      const replacement = await Replacement.open(path.join(directory, names.next(row.key)));
      try {
        await writeRow(row, rows, (bytes) => replacement.write(bytes));
        await replacement.commit();
      } finally {
        await replacement.abandon();
      }
    },
    commit: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}

/** One line; a long document is passed on as it comes. */
async function writeRow(row: DocumentRow, whole: boolean, write: Write): Promise<void> {
  const head = whole ? rowHead(row) : "";
  const tail = whole ? "}\n" : "\n";
  if (row.doc instanceof Uint8Array) {
    await write(Buffer.concat([Buffer.from(head), row.doc, Buffer.from(tail)]));
    return;
  }
  if (head !== "") await write(head);
  for await (const chunk of row.doc) await write(chunk);
  await write(tail);
}

function rowHead({ namespace, key, version }: DocumentRow): string {
  const ver = version === 0 ? "" : `"ver":${version},`;
  return `{"ns":${JSON.stringify(namespace)},"key":${JSON.stringify(key)},${ver}"doc":`;
}
