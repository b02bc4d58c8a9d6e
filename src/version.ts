/** Stamped in by build.ts; from source it is a development version. */
declare const WKCONNECT_VERSION: string | undefined
declare const WKCONNECT_COMMIT: string | undefined

export const version: string = typeof WKCONNECT_VERSION === 'undefined' ? '0.0.0-dev' : WKCONNECT_VERSION
export const commit: string = typeof WKCONNECT_COMMIT === 'undefined' ? 'unknown' : WKCONNECT_COMMIT
