/** What a directory's file system means for locks and durability, by its `statfs` type on Linux. */
import { statfs } from "node:fs/promises";

export type FileSystemTrait =
  /** Another machine may write it: locks cannot carry SQLite. */
  | "network"
  /** Gone with the machine's next restart. */
  | "memory"
  /** The writable layer of a container: gone with the container. */
  | "container"
  /** A program of the user's, which may promise more than it keeps. */
  | "fuse"
  | "local";

export interface FileSystem {
  readonly name: string;
  readonly trait: FileSystemTrait;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** undefined where the file system does not count them. */
  readonly freeFiles: number | undefined;
}

const known: ReadonlyMap<number, readonly [string, FileSystemTrait]> = new Map([
  [0x6969, ["NFS", "network"]],
  [0x517b, ["SMB", "network"]],
  [0xff534d42, ["CIFS", "network"]],
  [0xfe534d42, ["SMB2", "network"]],
  [0x00c36400, ["Ceph", "network"]],
  [0x01021997, ["9p", "network"]],
  [0x5346414f, ["AFS", "network"]],
  [0x6b414653, ["AFS", "network"]],
  [0x01161970, ["GFS2", "network"]],
  [0x7461636f, ["OCFS2", "network"]],
  [0x0bd00bd0, ["Lustre", "network"]],
  [0x47504653, ["GPFS", "network"]],
  [0x65735546, ["FUSE", "fuse"]],
  [0x01021994, ["tmpfs", "memory"]],
  [0x858458f6, ["ramfs", "memory"]],
  [0x794c7630, ["overlayfs", "container"]],
  [0xef53, ["ext4", "local"]],
  [0x58465342, ["XFS", "local"]],
  [0x9123683e, ["Btrfs", "local"]],
  [0x2fc12fc1, ["ZFS", "local"]],
]);

/** @throws what the system says of the directory */
export async function fileSystemOf(directory: string): Promise<FileSystem> {
  const { type, bsize, bavail, blocks, files, ffree } = await statfs(directory);
  // The type is a 32-bit word that some systems hand out with its sign.
  const [name, trait] = known.get(type >>> 0) ?? [`type 0x${(type >>> 0).toString(16)}`, "local"];
  return {
    name,
    trait,
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    freeFiles: files === 0 ? undefined : ffree,
  };
}
