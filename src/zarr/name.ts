import { magLiteral, type Vec3 } from '../volume/vec.ts'

/** A mag as listings and paths have it: "2" where it is the same on all axes, else "2-2-1" (protocol.md 6). */
export const magName = (factor: Vec3): string =>
  factor[0] === factor[1] && factor[1] === factor[2] ? String(factor[0]) : magLiteral(factor)
