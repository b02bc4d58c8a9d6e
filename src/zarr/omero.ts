/** Colours and contrast of an image layer, as OME-NGFF took them over from OMERO. */
import type { Layer } from '../volume/chunked-array.ts'

type View = Readonly<Record<string, unknown>>

const viewOf = ({ extra }: Layer): View => {
  const view = extra?.['defaultViewConfiguration']
  return typeof view === 'object' && view !== null ? (view as View) : {}
}

const isNumbers = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every((one) => typeof one === 'number' && Number.isFinite(one))

const hex = (colour: readonly number[]): string =>
  colour
    .map((part) =>
      Math.round(Math.min(255, Math.max(0, part)))
        .toString(16)
        .padStart(2, '0')
        .toUpperCase(),
    )
    .join('')

/** The range the type can hold; for floats the one stated. */
function limitsOf({ dataType }: Layer, [start, end]: readonly number[]): [number, number] {
  if (dataType.startsWith('float')) return [start!, end!]
  const bits = Number(/\d+$/.exec(dataType)?.[0])
  return dataType.startsWith('uint') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
}

/**
 * Undefined where nobody knows which values are there: a window as wide as the type would show most 16-bit images black, and viewers
 * that are told nothing look for themselves.
 */
export function omeroOf(layer: Layer) {
  const view = viewOf(layer)
  const { intensityRange: stated, color, isInverted } = view
  const range = isNumbers(stated, 2) ? stated : layer.dataType === 'uint8' ? [0, 255] : undefined
  if (!range) return undefined
  const [min, max] = limitsOf(layer, range)
  const window = { min, max, start: range[0]!, end: range[1]! }
  const own = isNumbers(color, 3) ? hex(color) : 'FFFFFF'
  const channels =
    layer.channels === 3
      ? [
          ['red', 'FF0000'],
          ['green', '00FF00'],
          ['blue', '0000FF'],
        ]
      : [[layer.name, own]]
  return {
    channels: channels.map(([label, hue]) => ({
      label,
      color: hue,
      active: true,
      inverted: isInverted === true,
      coefficient: 1,
      family: 'linear',
      window,
    })),
    rdefs: { model: layer.channels === 3 || own !== 'FFFFFF' ? 'color' : 'greyscale' },
  }
}
