import { describe, expect, test } from 'bun:test'
import { isNeuroglancerLink, parseNeuroglancerLink } from '../../src/stores/neuroglancer-link.ts'
import { isRemoteSource, lastNameOf, parseSource, shownPlace } from '../../src/stores/source.ts'
import { Unusable } from '../../src/volume/errors.ts'

describe('sources', () => {
  test.each([
    ['precomputed://gs://bucket/a/b', 'precomputed', 'gs', 'gs://bucket/a/b'],
    ['gs://bucket', undefined, 'gs', 'gs://bucket'],
    ['gs://bucket/a/b/', undefined, 'gs', 'gs://bucket/a/b'],
    ['gs://bucket/a|neuroglancer-precomputed:', 'precomputed', 'gs', 'gs://bucket/a'],
    ['s3://bossdb-open-data/iarpa_microns/minnie/minnie65/em', undefined, 's3', 's3://bossdb-open-data/iarpa_microns/minnie/minnie65/em'],
    ['s3+http://localhost:9000/bucket/a b', undefined, 's3', 's3+http://localhost:9000/bucket/a b'],
    ['s3+https://minio.lab/bucket/a%20b', undefined, 's3', 's3+https://minio.lab/bucket/a b'],
    ['https://host/a/b.tif?sig=secret#x', undefined, 'http', 'https://host/a/b.tif'],
    ['https://user:pass@host/a', undefined, 'http', 'https://host/a'],
    ['zarr://http://host/a.zarr', 'zarr', 'http', 'http://host/a.zarr'],
    ['https://host/a.zarr/|zarr3:', 'zarr3', 'http', 'https://host/a.zarr/'],
    ['file:///data/x%20y', undefined, 'file', '/data/x y'],
    ['precomputed://file:///data/x', 'precomputed', 'file', '/data/x'],
    ['some/folder', undefined, 'file', 'some/folder'],
    [' gs://bucket/a ', undefined, 'gs', 'gs://bucket/a'],
  ])('%s', (text, format, kind, shown) => {
    const source = parseSource(text)
    expect([source.format, source.place.kind, shownPlace(source.place)]).toEqual([format, kind as never, shown])
    expect(isRemoteSource(text.replace(/\|.*/, ''))).toBe(kind !== 'file')
  })

  test('user and password are taken out of the URL', () => {
    expect(parseSource('https://us%40er:p%2Fw@host/a').place).toMatchObject({
      user: { name: 'us@er', password: 'p/w' },
      url: new URL('https://host/a'),
    })
  })

  test.each([
    'ftp://host/a',
    'gs://',
    's3:///a',
    'gs://../a',
    's3+https://host',
    'https://',
    'brainmaps://x',
    'middleauth+https://host/a',
    '',
  ])('%p is refused with the forms there are', (text) => expect(() => parseSource(text)).toThrow(Unusable))
})

test.each([
  ['https://host/a/b%20c.tif?x=/y', 'b c.tif'],
  ['gs://bucket/a/50%/x%20y', 'x%20y'],
  ['s3://bucket', 'bucket'],
  ['https://host/', ''],
])('%s is called %p', (text, name) => expect(lastNameOf(parseSource(text).place)).toBe(name))

describe('neuroglancer links', () => {
  const state = {
    dimensions: { x: [4e-9, 'm'], y: [4e-9, 'm'], z: [4e-8, 'm'] },
    layers: [
      { type: 'image', source: 'precomputed://gs://bucket/em', name: 'em', shader: '#uicontrol float x\nvoid main(){emitGrayscale(x_1);}' },
      { type: 'segmentation', source: { url: 'precomputed://gs://bucket/seg', transform: {} }, name: "cells' own" },
      { type: 'segmentation', source: ['precomputed://s3://bucket/a', { url: 'precomputed://s3://bucket/meshes' }], name: 'two' },
      { type: 'annotation', source: 'local://annotations', name: 'mine' },
    ],
  }
  const layers = [
    { name: 'em', type: 'image', sources: ['precomputed://gs://bucket/em'] },
    { name: "cells' own", type: 'segmentation', sources: ['precomputed://gs://bucket/seg'] },
    { name: 'two', type: 'segmentation', sources: ['precomputed://s3://bucket/a', 'precomputed://s3://bucket/meshes'] },
  ]
  // neuroglancer, src/util/json.ts: urlSafeStringify
  const urlSafe = (json: unknown): string => {
    if (Array.isArray(json)) return `[${json.map(urlSafe).join('_')}]`
    if (typeof json === 'object' && json)
      return `{${Object.entries(json)
        .map(([key, value]) => `${urlSafe(key)}:${urlSafe(value)}`)
        .join('_')}}`
    if (typeof json !== 'string') return JSON.stringify(json)
    return `'${JSON.stringify(json).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  }

  test.each([
    ['as JSON, escaped', encodeURIComponent(JSON.stringify(state))],
    ['as JSON, as encodeURI has it', encodeURI(JSON.stringify(state))],
    ['in the URL-safe spelling', urlSafe(state)],
    ['in the URL-safe spelling, escaped', encodeURIComponent(urlSafe(state))],
  ])('%s', (_, fragment) => {
    const link = `https://neuroglancer-demo.appspot.com/#!${fragment}`
    expect(isNeuroglancerLink(link)).toBe(true)
    expect(parseNeuroglancerLink(link).layers).toEqual(layers)
  })

  test('of the oldest kind: layers by name, the source alone', () => {
    const fragment = "{'layers':{'image':{'type':'image'_'source':'precomputed://gs://b/i'}_'seg':'precomputed://gs://b/s'}}"
    expect(parseNeuroglancerLink(`https://host/#!${fragment}`).layers).toEqual([
      { name: 'image', type: 'image', sources: ['precomputed://gs://b/i'] },
      { name: 'seg', type: undefined, sources: ['precomputed://gs://b/s'] },
    ])
  })

  test.each([
    'https://host/',
    'https://host/#!gs://states/123.json',
    'https://host/#!middleauth+https://global.daf-apis.com/nglstate/api/v1/1',
    'https://host/#!%7B%22layers',
    'https://host/#!{"layers":[]}',
    'https://host/#!%7',
  ])('%s is refused with a reason', (link) => expect(() => parseNeuroglancerLink(link)).toThrow(Unusable))
})
