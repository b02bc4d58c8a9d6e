import { UpstreamError } from '../volume/errors.ts'

/** The code of an error of the operating system, such as ENOENT. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Nothing lies at this path. A file where a folder was expected counts, too. */
export const isMissing = (error: unknown): boolean => {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'input/output error of the disk',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ESTALE: 'stale file handle of a network file system',
  EISDIR: 'a folder, not a file',
}

/** An operating system error in a sentence, with the path. */
export const upstream = (file: string, error: unknown): UpstreamError => {
  const code = codeOf(error)
  const cause = code ? `${WORDS[code] ?? 'cannot be read'} (${code})` : String(error)
  return new UpstreamError({ file, cause })
}
