import { statfsSync } from 'node:fs'

/**
 * File systems of a local disk or of memory, by the magic number of statfs(2) on Linux. On these a read that stalls is a broken
 * disk; on anything else (NFS, SMB, FUSE, unknown) it is daily life and must not hold up the thread.
 */
const LOCAL = new Set([
  0xef53, // ext2, 3, 4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // ZFS
  0x73717368, // SquashFS
  0xe0f5e1e2, // EROFS
  0xca451a4e, // bcachefs
])

/** Whether reads below `folder` may be synchronous. False where it cannot be known. */
export function isLocalDisk(folder: string): boolean {
  if (process.platform !== 'linux') return false
  try {
    return LOCAL.has(statfsSync(folder).type >>> 0)
  } catch {
    return false
  }
}
