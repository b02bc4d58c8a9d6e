/** The two ways a dataset is named in a URL: by id since 2025, by organization and name before (protocol.md 0). */
export const datasetPaths = (rest: string) => [`/datasets/:first/${rest}`, `/datasets/:first/:second/${rest}`] as const
export const layerPaths = (rest: string) => datasetPaths(`layers/:layer/${rest}`)

/** Parts of a URL by name; `version` where there is one. */
export type VersionParams = Readonly<Record<string, string | undefined>>

export type Query = Readonly<Record<string, string | undefined>>
