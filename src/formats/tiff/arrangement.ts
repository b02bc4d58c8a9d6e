/** How the pages of a file make up a volume. */
export interface Arrangement {
  readonly source: 'OME' | 'ImageJ' | 'pages'
  readonly depth: number
  readonly channels: number
  readonly channelNames: readonly string[]
  /** Index in the main chain, or undefined where no page is given. */
  pageOf(z: number, channel: number): number | undefined
  /** Nanometres; a component that is not stated is undefined. */
  readonly voxelSize: readonly [number | undefined, number | undefined, number | undefined]
}
