/** Errors between threads: cloning keeps only the message, but what an error is decides what a client is told. */
import { Forbidden, HttpError } from '../api/errors.ts'
import { CannotWrite } from '../datasets/write.ts'
import { CorruptChunk, DataError, Deadline, Unusable, UpstreamError } from '../volume/errors.ts'
import { CoreUnreachable, KeyRefused } from '../webknossos/client.ts'

/** An error as plain data. */
export interface Carried {
  readonly kind: string
  readonly message: string
  /** What the constructor of its class takes beside. */
  readonly more?: unknown
}

const WITH_DETAILS = { CorruptChunk, UpstreamError, Deadline }
const WITH_MESSAGE = { CannotWrite, CoreUnreachable, KeyRefused, Forbidden }

export function carry(error: unknown): Carried {
  if (!(error instanceof Error)) return { kind: 'Error', message: String(error) }
  const { message } = error
  if (error instanceof DataError) return { kind: error.name, message, more: error.details }
  if (error instanceof Forbidden) return { kind: 'Forbidden', message }
  if (error instanceof HttpError) return { kind: 'HttpError', message, more: { status: error.status, body: error.body } }
  if (error instanceof Unusable) return { kind: 'Unusable', message, more: error.leadsTo }
  const kind = Object.entries(WITH_MESSAGE).find(([, type]) => error instanceof type)?.[0]
  return { kind: kind ?? 'Error', message }
}

/** An error of the same class; of our own ones those that are for others, else a plain one. */
export function revive({ kind, message, more }: Carried): Error {
  if (Object.hasOwn(WITH_DETAILS, kind)) return new WITH_DETAILS[kind as keyof typeof WITH_DETAILS](more as { cause: string })
  if (Object.hasOwn(WITH_MESSAGE, kind)) return new WITH_MESSAGE[kind as keyof typeof WITH_MESSAGE](message)
  if (kind === 'Unusable') return new Unusable(message, more as string | undefined)
  if (kind !== 'HttpError') return new Error(message)
  const { status, body } = more as { status: number; body?: string }
  return new HttpError(status, message, body)
}
