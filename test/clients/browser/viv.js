/**
 * Shows a plane of an OME-Zarr layer with Viv, and reads every plane of its finest mag. Viv takes the last two axes, whatever they are
 * called, for the height and width of its pictures: here these are y and z, and x chooses the plane.
 */
import { Deck, OrthographicView } from '@deck.gl/core'
import { MultiscaleImageLayer } from '@vivjs/layers'
import { loadOmeZarr } from '@vivjs/loaders'

async function show(url) {
  const { data, metadata } = await loadOmeZarr(url, { type: 'multiscales' })
  const [source] = data
  const depth = source.shape[source.labels.indexOf('x')]
  const planes = []
  for (let x = 0; x < depth; x++) planes.push(await source.getRaster({ selection: { c: 0, x } }))
  const [{ window: contrast }] = metadata.omero.channels
  const middle = { c: 0, x: depth >> 1 }
  const layer = new MultiscaleImageLayer({
    id: 'image',
    loader: data,
    selections: [middle],
    contrastLimits: [[contrast.start, contrast.end]],
    channelsVisible: [true],
    colors: [[255, 255, 255]],
    dtype: 'Uint8',
  })
  new Deck({
    parent: document.body,
    views: new OrthographicView({ id: 'view', controller: true }),
    initialViewState: { target: [planes[0].width / 2, planes[0].height / 2, 0], zoom: 1 },
    layers: [layer],
    onAfterRender: () => {
      window.rendered = (window.rendered ?? 0) + 1
    },
  })
  const voxels = planes.reduce((sum, { width, height }) => sum + width * height, 0)
  const all = planes.map(({ data: values }) => [...values].map((value) => value.toString(16).padStart(2, '0')).join('')).join('')
  return { labels: source.labels, shape: source.shape, width: planes[0].width, height: planes[0].height, voxels, all }
}

show(new URLSearchParams(location.search).get('zarr')).then(
  (result) => {
    window.result = result
  },
  (error) => {
    window.result = { error: String(error?.stack ?? error) }
  },
)
