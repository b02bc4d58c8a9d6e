/** What core takes and what it refuses, as strictly as protocol.md chapter 1 and 4 say. Each returns what is wrong. */
import { isRecord } from '../../../src/datasets/entries.ts'

const CLASSES = ['uint8', 'uint16', 'uint24', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64', 'float', 'double']
const OLD_CLASSES = ['uint8', 'uint16', 'uint24', 'uint32', 'uint64', 'float', 'double']
const FORMATS = ['wkw', 'zarr', 'n5', 'neuroglancerPrecomputed', 'zarr3']
const isTriple = (value: unknown): boolean => Array.isArray(value) && value.length === 3 && value.every((one) => typeof one === 'number')
const isIntegers = (value: unknown): boolean => isTriple(value) && (value as number[]).every(Number.isSafeInteger)

export function idProblems(id: unknown): string[] {
  if (!isRecord(id)) return ['obj.id: no object']
  const keys = Object.keys(id).sort().join()
  return keys === 'name,team' && typeof id['name'] === 'string' && typeof id['team'] === 'string' ? [] : ['obj.id: not {team, name}']
}

export function dataSourceProblems(json: unknown, api: number): string[] {
  if (!isRecord(json)) return ['obj: no object']
  const problems = idProblems(json['id'])
  // whatever has a status is unusable, whatever else it has
  if (typeof json['status'] === 'string') {
    if (json['status'].length > 1024) problems.push('obj.status: longer than 1024')
    for (const key of Object.keys(json)) if (key !== 'id' && key !== 'status') problems.push(`obj.${key}: in an unusable one`)
    return problems
  }
  if ('status' in json || 'statusOpt' in json) problems.push('obj.status: in a usable one')
  const { scale } = json
  if (!isTriple(scale) && !(api >= 7 && isRecord(scale) && isTriple(scale['factor']))) problems.push(`obj.scale: ${JSON.stringify(scale)}`)
  const layers = json['dataLayers']
  if (!Array.isArray(layers)) return [...problems, 'obj.dataLayers: no array']
  if (new Set(layers.map((layer) => layer?.name)).size !== layers.length) problems.push('obj.dataLayers: names twice')
  return [...problems, ...layers.flatMap((layer, n) => layerProblems(layer, api).map((problem) => `obj.dataLayers[${n}]${problem}`))]
}

function layerProblems(layer: unknown, api: number): string[] {
  if (!isRecord(layer)) return [': no object']
  const problems: string[] = []
  const isOld = api === 0
  const segmentation = layer['category'] === 'segmentation'
  if (typeof layer['name'] !== 'string' || layer['name'] === '') problems.push('.name')
  if (layer['category'] !== 'color' && !segmentation) problems.push('.category')
  if (!FORMATS.includes(String(layer['dataFormat']))) problems.push('.dataFormat')
  if (!(isOld ? OLD_CLASSES : CLASSES).includes(String(layer['elementClass']))) problems.push(`.elementClass ${layer['elementClass']}`)
  const box = layer['boundingBox']
  if (!isRecord(box) || !isIntegers(box['topLeft']) || !['width', 'height', 'depth'].every((key) => Number.isSafeInteger(box[key])))
    problems.push('.boundingBox')
  const list = (key: string, mag: string) =>
    Array.isArray(layer[key]) && layer[key].length > 0 && layer[key].every((one) => isRecord(one) && isIntegers(one[mag]))
  if (isOld ? !list('wkwResolutions', 'resolution') : !list('mags', 'mag') && !list('wkwResolutions', 'resolution')) problems.push('.mags')
  if (
    isOld &&
    layer['wkwResolutions'] &&
    !(layer['wkwResolutions'] as { cubeLength: unknown }[]).every((one) => Number.isInteger(one.cubeLength))
  )
    problems.push('.wkwResolutions: cubeLength')
  const id = layer['largestSegmentId']
  const isEnvelope = api >= 15 && isRecord(id) && id['customJsonEncoding'] === 'bigint' && /^\d+$/.test(String(id['value']))
  if (segmentation && isOld && !Number.isSafeInteger(id)) problems.push('.largestSegmentId')
  if (id !== undefined && !Number.isSafeInteger(id) && !isEnvelope) problems.push(`.largestSegmentId ${JSON.stringify(id)}`)
  for (const [key, value] of Object.entries(layer)) if (value === null) problems.push(`.${key}: null`)
  return problems
}

export function statusProblems(json: unknown): string[] {
  if (!isRecord(json)) return ['obj: no object']
  const { ok, url, ...rest } = json
  const problems = Object.keys(rest).map((key) => `obj.${key}: unknown`)
  if (typeof ok !== 'boolean') problems.push('obj.ok')
  if (typeof url !== 'string' || !/^https?:\/\/[a-z0-9.]+.*$/.test(url)) problems.push(`obj.url: ${JSON.stringify(url)}`)
  return problems
}

export function accessProblems(json: unknown, api: number): string[] {
  if (!isRecord(json)) return ['obj: no object']
  const { resourceId, resourceType, mode, ...rest } = json
  const problems = Object.keys(rest).map((key) => `obj.${key}: unknown`)
  if (!['administrate', 'list', 'read', 'write', 'delete'].includes(String(mode))) problems.push('obj.mode')
  if (api < 10) {
    if (!['datasource', 'tracing', 'webknossos'].includes(String(resourceType))) problems.push('obj.resourceType')
    return [...problems, ...idProblems(resourceId)]
  }
  if (!['dataset', 'tracing', 'annotation', 'webknossos', 'jobExport'].includes(String(resourceType))) problems.push('obj.resourceType')
  if (resourceId !== undefined && typeof resourceId !== 'string') problems.push('obj.resourceId')
  if (mode !== 'administrate' && !/^[0-9a-f]{24}$/.test(String(resourceId))) problems.push('obj.resourceId: no ObjectId')
  return problems
}
