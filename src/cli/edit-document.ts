import { readFile } from "node:fs/promises";
import { failure } from "../api/errors.ts";
import { openLocalFile, withAbsoluteFiles } from "../client/local-files.ts";
import { applyMutations } from "../lql/mutation/apply-mutations.ts";
import type { Mutation } from "../lql/mutation/mutation.ts";
import { collected, commandInput } from "./input.ts";
import { writeOut } from "./output.ts";
import { prettyJson } from "./pretty-json.ts";
import { replaceFile } from "./replace-file.ts";
import { compactInput } from "./state-format.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Applies mutations to a file, or to stdin with the result on stdout; the file is replaced whole.
 * @throws UsageError, invalid_document for anything but one JSON object, invalid_body
 */
export async function editDocument(
  file: string | undefined,
  mutations: readonly Mutation[],
): Promise<void> {
  const name = file ?? "stdin";
  const raw = file === undefined ? await commandInput(undefined).bytes() : await fileBytes(file);
  const isBlank = Buffer.from(raw).toString("utf8").trim() === "";
  const document = isBlank ? Buffer.from("{}") : await compactInput(raw, "json", name);
  if (document[0] !== 0x7b) throw failure("invalid_document", `${name} is not one JSON object`);
  const changed = await collected(
    applyMutations(document, withAbsoluteFiles(mutations, process.cwd()), {
      openFile: openLocalFile,
      compact: true,
    }),
  );
  const text = prettyJson(Buffer.from(changed).toString("utf8"));
  if (file === undefined) await writeOut(text);
  else await replaceFile(file, text);
}

/** A file that does not exist is empty. */
async function fileBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Uint8Array(0);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} cannot be read: ${reason}`, error);
  }
}
