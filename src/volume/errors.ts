/**
 * What can go wrong between a stored byte and a voxel. Nothing stored is not an error: that is `undefined` or `false`.
 * Each class knows its HTTP status and the words a stranger may read; the details go to the log.
 */

/** Where it happened and what was found there. */
export interface ErrorDetails {
  readonly dataset?: string | undefined
  readonly layer?: string | undefined
  readonly mag?: string | undefined
  readonly chunk?: string | undefined
  readonly file?: string | undefined
  /** What was found and what was expected, with both numbers. */
  readonly cause: string
}

export abstract class DataError extends Error {
  abstract readonly status: number
  abstract readonly publicText: string
  readonly details: ErrorDetails

  constructor(details: ErrorDetails) {
    super(describe(details))
    this.name = new.target.name
    this.details = details
  }
}

/** The bytes are there but are not what their header says. Retrying will not help; the file is damaged or of an unknown version. */
export class CorruptChunk extends DataError {
  readonly status = 422
  readonly publicText = 'The stored data of this region is damaged.'
}

/** The file or server did not give its bytes: no permission, an I/O error, a time-out. May pass; asking again is sensible. */
export class UpstreamError extends DataError {
  readonly status = 503
  readonly publicText = 'The stored data of this region could not be read just now.'
}

/** It takes longer than anybody waits for an answer. The work goes on; asking again later finds it done, or further. */
export class Deadline extends DataError {
  readonly status = 503
  readonly publicText = 'This magnification is still being computed. Ask again in a moment.'
}

/** A dataset or layer that cannot be shown, and why. The message is for the person who owns the data. */
export class Unusable extends Error {
  override readonly name = 'Unusable'
  /** Where it leads, when that is outside the folders that may be read: for the grouped advice at start. */
  readonly leadsTo: string | undefined

  constructor(message: string, leadsTo?: string) {
    super(message)
    this.leadsTo = leadsTo
  }
}

/** A path that leads out of the folders the server may read. */
export class OutsideAllowed extends Unusable {
  constructor(path: string, target: string, advice: string) {
    super(`${path} leads to ${target}, outside the data folder: add --allow-path ${advice} to serve it`, target)
  }
}

const describe = ({ dataset, layer, mag, chunk, file, cause }: ErrorDetails): string =>
  [dataset && `dataset ${dataset}`, layer && `layer ${layer}`, mag && `mag ${mag}`, chunk && `chunk ${chunk}`, file && `file ${file}`]
    .filter(Boolean)
    .concat(cause)
    .join(': ')

/** One line about anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
