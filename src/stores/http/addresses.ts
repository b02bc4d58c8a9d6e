/**
 * Which addresses are of the public internet. IPv6 has many ways to carry an IPv4 address, and a system may follow each of them, so the
 * one inside has to be public as well.
 */
import { isIP } from 'node:net'

/** True for an address of the public internet: not loopback, private, link-local (cloud metadata), shared, multicast, reserved. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const family = isIP(plain)
  if (family === 4) return isPublicV4(plain.split('.').map(Number))
  return family === 6 && isPublicV6(groupsOf(plain))
}

/** First bytes and how many bits of them count. RFC 6890 and the registry it keeps. */
const NOT_PUBLIC_V4: readonly (readonly [readonly number[], number])[] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 0, 0], 24],
  [[192, 0, 2], 24],
  [[192, 88, 99], 24],
  [[192, 168], 16],
  [[198, 18], 15],
  [[198, 51, 100], 24],
  [[203, 0, 113], 24],
  [[224], 3],
]

function isPublicV4(bytes: readonly number[]): boolean {
  const number = numberOf(bytes)
  return !NOT_PUBLIC_V4.some(([prefix, bits]) => number >>> (32 - bits) === numberOf(prefix) >>> (32 - bits))
}

const numberOf = (bytes: readonly number[]): number =>
  (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 0

const v4In = (high: number, low: number): number[] => [high >> 8, high & 255, low >> 8, low & 255]

function isPublicV6(groups: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const isZero = (...words: number[]) => words.every((word) => word === 0)
  // mapped ::ffff:a.b.c.d, translated ::ffff:0:a.b.c.d, compatible ::a.b.c.d (with it :: and ::1)
  if (isZero(a, b, c, d) && ((e === 0 && (f === 0xffff || f === 0)) || (e === 0xffff && f === 0))) return isPublicV4(v4In(g, h))
  // NAT64; the local-use prefix 64:ff9b:1::/48 leads into somebody's network
  if (a === 0x64 && b === 0xff9b) return isZero(c, d, e, f) && isPublicV4(v4In(g, h))
  // only 2000::/3 is given out
  if (a >> 13 !== 1) return false
  if (a === 0x2002) return isPublicV4(v4In(b, c))
  // Teredo: the server, and the client with its bits turned round
  if (a === 0x2001 && b === 0) return isPublicV4(v4In(c, d)) && isPublicV4(v4In(g ^ 0xffff, h ^ 0xffff))
  // protocol assignments, benchmarking, ORCHID, documentation
  if (a === 0x2001 && (b < 0x200 || b === 0xdb8)) return false
  if (a === 0x3fff && b < 0x1000) return false
  // ISATAP in any network
  if ((e & 0xfdff) === 0 && f === 0x5efe) return isPublicV4(v4In(g, h))
  return true
}

/** The eight groups of an IPv6 address that `isIP` accepts. */
function groupsOf(address: string): number[] {
  const dotted = /(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16)
  const plain = dotted ? `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}` : address
  const [head = '', tail] = plain.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const first = words(head)
  const last = tail === undefined ? [] : words(tail)
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}
