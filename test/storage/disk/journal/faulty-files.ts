import {
  type JournalFile,
  type JournalFiles,
  systemFiles,
} from "../../../../src/storage/disk/journal/journal-files.ts";

/** What happens to one call: it works, writes less than asked (writes only), or fails. */
export type Fault =
  | { readonly kind: "none" }
  | { readonly kind: "short"; readonly length: number }
  /** With `length`: so much was written before. */
  | { readonly kind: "error"; readonly error: Error; readonly length?: number };

export type FileCall =
  | "makeDirectory"
  | "create"
  | "openSynced"
  | "names"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "write"
  | "writeSynced"
  | "sync";

/** Real files whose calls fail as the test decides, call by call; `at` is the path when known. */
export function faultyFiles(decide: (call: FileCall, at: string) => Fault): JournalFiles {
  const before = (call: FileCall, at = ""): void => {
    const fault = decide(call, at);
    if (fault.kind === "error") throw fault.error;
  };
  const faulty = (file: JournalFile, write: FileCall): JournalFile => ({
    write: async (bytes, from, at) => {
      const fault = decide(write, "");
      if (fault.kind === "none") return file.write(bytes, from, at);
      const length = Math.min(bytes.length, from + Math.max(0, fault.length ?? 0));
      const written = length > from ? await file.write(bytes.subarray(0, length), from, at) : 0;
      if (fault.kind === "error") throw fault.error;
      return written;
    },
    sync: async () => {
      before("sync");
      await file.sync();
    },
    close: () => file.close(),
  });
  return {
    makeDirectory: async (at) => {
      before("makeDirectory");
      return systemFiles.makeDirectory(at);
    },
    create: async (at) => {
      before("create");
      return faulty(await systemFiles.create(at), "write");
    },
    openSynced: async (at) => {
      before("openSynced");
      return faulty(await systemFiles.openSynced(at), "writeSynced");
    },
    names: async (at) => {
      before("names");
      return systemFiles.names(at);
    },
    rename: async (from, to) => {
      before("rename", to);
      await systemFiles.rename(from, to);
    },
    remove: async (at) => {
      before("remove");
      await systemFiles.remove(at);
    },
    syncDirectory: async (at) => {
      before("syncDirectory");
      await systemFiles.syncDirectory(at);
    },
  };
}
