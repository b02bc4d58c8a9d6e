/**
 * Which file system a path lies on, without touching it: asking one that hangs would hang us. On a disk of this machine a read that
 * stalls is a broken disk; on anything else (NFS, SMB, FUSE, unknown) it is daily life and must not hold up the thread. Only Linux
 * says which is which.
 */
import { readFileSync } from 'node:fs'
import { isInside } from './allowed.ts'

export interface Mount {
  /** Where it begins. */
  readonly point: string
  /** A disk of this machine, whose reads stall nobody else. */
  readonly isLocal: boolean
}

const LOCAL = /^(ext[234]|xfs|btrfs|zfs|f2fs|tmpfs|ramfs|overlay|squashfs|iso9660|bcachefs|erofs|jfs|reiserfs|vfat|exfat|ntfs3?|rootfs)$/
const KEEP_MS = 5000

let known: { at: number; mounts: readonly Mount[] } | undefined

/** `path`: absolute, links followed. What was read `maxAgeMs` ago still counts. */
export function mountOf(path: string, maxAgeMs = KEEP_MS): Mount {
  const mounts = listMounts(maxAgeMs)
  if (!mounts) return { point: path, isLocal: false }
  let best: Mount = { point: '/', isLocal: false }
  for (const mount of mounts) if (isInside(mount.point, path) && mount.point.length >= best.point.length) best = mount
  return best
}

function listMounts(maxAgeMs: number): readonly Mount[] | undefined {
  if (process.platform !== 'linux') return undefined
  if (known && Date.now() - known.at < maxAgeMs) return known.mounts
  try {
    // 36 35 98:0 /root /point options … - type source options; proc(5)
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line): Mount => {
        const point = (line.split(' ')[4] ?? '/').replace(/\\(\d{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        )
        return { point, isLocal: LOCAL.test(line.split(' - ')[1]?.split(' ')[0] ?? '') }
      })
    known = { at: Date.now(), mounts }
    return mounts
  } catch {
    return undefined
  }
}
