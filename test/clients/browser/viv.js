/**
 * Draws one plane of an OME-Zarr layer with Viv, a pixel of the page for each voxel of the mag, and reads every plane of its finest mag:
 * `?zarr=URL&z=48&level=0`. `window.result` says what it read, `window.rendered` counts pictures.
 */
import { Deck, OrthographicView } from '@deck.gl/core'
import { MultiscaleImageLayer } from '@vivjs/layers'
import { loadOmeZarr } from '@vivjs/loaders'

async function show(url, z, level) {
  const { data, metadata } = await loadOmeZarr(url, { type: 'multiscales' })
  const [source] = data
  const sizeOf = (name) => source.shape[source.labels.indexOf(name)]
  const channels = sizeOf('c')
  const planes = []
  for (let plane = 0; plane < sizeOf('z'); plane++)
    for (let c = 0; c < channels; c++) planes.push(await source.getRaster({ selection: { c, z: plane } }))
  const shown = metadata.omero.channels
  const { width, height } = planes[0]
  const image = new MultiscaleImageLayer({
    id: 'image',
    loader: data,
    selections: shown.map((_, c) => ({ c, z })),
    contrastLimits: shown.map(({ window: { start, end } }) => [start, end]),
    channelsVisible: shown.map(({ active }) => active),
    colors: shown.map(({ color }) => [0, 2, 4].map((at) => Number.parseInt(color.slice(at, at + 2), 16))),
    dtype: source.dtype,
  })
  const place = document.createElement('div')
  place.style = `position: absolute; left: 0; top: 0; width: ${width >> level}px; height: ${height >> level}px`
  document.body.append(place)
  new Deck({
    parent: place,
    views: new OrthographicView({ id: 'view' }),
    initialViewState: { target: [width / 2, height / 2, 0], zoom: -level },
    layers: [image],
    onAfterRender: () => {
      window.rendered = (window.rendered ?? 0) + 1
    },
  })
  const voxels = planes.reduce((sum, { data: values }) => sum + values.length, 0)
  const all = planes.map(({ data: values }) => [...values].map((value) => value.toString(16).padStart(2, '0')).join('')).join('')
  return { labels: source.labels, shape: source.shape, tile: source.tileSize, voxels, all, omero: metadata.omero }
}

const query = new URLSearchParams(location.search)
show(query.get('zarr'), Number(query.get('z')), Number(query.get('level') ?? 0)).then(
  (result) => {
    window.result = result
  },
  (error) => {
    window.result = { error: String(error?.stack ?? error) }
  },
)
