/** What an entry of datasets.json may say about TIFF layers beyond `path` and `scale` (docs/datasets.md). */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Unusable } from '../../volume/errors.ts'

export interface LayerSettings {
  readonly category?: 'color' | 'segmentation' | undefined
  /** Which channel of the file: its number from 0, or its name. */
  readonly channel?: number | string | undefined
  readonly color?: readonly [number, number, number] | undefined
  readonly intensityRange?: readonly [number, number] | undefined
}

export interface TiffConfig {
  /** What the dimensions of pages are, slowest first, where the file says something wrong: "TZCYX". */
  readonly axes: string | undefined
  readonly layers: ReadonlyMap<string, LayerSettings>
}

const Level = Type.Integer({ minimum: 0, maximum: 255 })
const Config = Type.Object({
  axes: Type.Optional(Type.String({ pattern: '^[A-Za-z]{1,8}$' })),
  layers: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        category: Type.Optional(Type.Union([Type.Literal('color'), Type.Literal('segmentation')])),
        channel: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String()])),
        color: Type.Optional(Type.Union([Type.Tuple([Level, Level, Level]), Type.String({ pattern: '^#[0-9a-fA-F]{6}$' })])),
        intensityRange: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
      }),
    ),
  ),
})

/** Throws `Unusable` naming the key that is wrong. */
export function parseConfig(config: Readonly<Record<string, unknown>> | undefined): TiffConfig {
  if (!config) return { axes: undefined, layers: new Map() }
  if (!Value.Check(Config, config)) {
    const problem = Value.Errors(Config, config).First()
    throw new Unusable(`its entry in datasets.json: ${problem?.path || 'it'}: ${problem?.message}`)
  }
  const layers = Object.entries(config.layers ?? {}).map(([name, { color, ...rest }]) => {
    const rgb =
      typeof color === 'string' ? ([1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [number, number, number]) : color
    return [name, { ...rest, color: rgb }] as const
  })
  return { axes: config.axes, layers: new Map(layers) }
}
