/**
 * Draco meshes, by Google's decoder compiled to WASM: bytes → the corners of all triangles, one after the other, x y z of each as 32-bit
 * floats (36 bytes per triangle). Integer positions stay the integers that are stored. How many triangles there are says
 * `dracoTriangles`, so that memory is reserved by the caller, within his limits. Spec: google.github.io/draco/spec.
 */
import { readFileSync } from 'node:fs'
import wasmFile from 'draco3d/draco_decoder.wasm' with { type: 'file' }
import load, { type DracoModule } from 'draco3d/draco_decoder_nodejs.js'
import { type Codec, CodecError } from './codec.ts'
import { TRIANGLE_BYTES } from './draco-header.ts'

/** Its memory never shrinks: an instance that has grown so far is not used again. */
const KEPT_BYTES = 64 * 1024 * 1024

let compiled: WebAssembly.Module | undefined
/** The one in use, and one that takes its place: making one takes a turn of the loop, and decoding waits for nothing. */
const ready: DracoModule[] = []

async function prepare(): Promise<void> {
  const module = (compiled ??= new WebAssembly.Module(readFileSync(wasmFile)))
  const made = await load({
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports)
      done(instance)
      return instance.exports
    },
  })
  ready.push(made)
}

function discard(): void {
  ready.shift()
  void prepare()
}

export async function loadDraco(): Promise<Codec> {
  await prepare()
  await prepare()
  return draco
}

const draco: Codec = {
  nsPerByte: 25,
  decode(source, target) {
    const module = ready[0]
    if (!module) throw new CodecError('Draco: the decoder failed several times in a row')
    let decoded: number | string
    try {
      decoded = decodeWith(module, source, target)
      if (module.HEAPU8.length > KEPT_BYTES) discard()
    } catch (error) {
      // its memory is in no known state after that
      discard()
      decoded = String(error).slice(0, 100)
    }
    if (typeof decoded === 'string') throw new CodecError(`Draco: ${decoded}`)
    return decoded
  },
}

/** Bytes written, or what is wrong. */
function decodeWith(module: DracoModule, source: Uint8Array, target: Uint8Array): number | string {
  const decoder = new module.Decoder()
  const mesh = new module.Mesh()
  const status = decoder.DecodeArrayToMesh(source, source.length, mesh)
  try {
    if (!status.ok()) return `the mesh is damaged (${status.error_msg()})`
    const [faces, points] = [mesh.num_faces(), mesh.num_points()]
    if (faces * TRIANGLE_BYTES > target.length) return `${faces} triangles where ${target.length / TRIANGLE_BYTES} were expected`
    const attribute = decoder.GetAttributeId(mesh, module.POSITION)
    if (attribute < 0) return 'the mesh has no positions'
    const position = decoder.GetAttribute(mesh, attribute)
    if (position.num_components() !== 3) return `positions of ${position.num_components()} numbers`
    const [positionBytes, cornerBytes] = [12 * points, 12 * faces]
    const memory = module._malloc(positionBytes + cornerBytes)
    try {
      if (!decoder.GetAttributeDataArrayForAllPoints(mesh, position, module.DT_FLOAT32, positionBytes, memory))
        return 'the positions cannot be read'
      if (!decoder.GetTrianglesUInt32Array(mesh, cornerBytes, memory + positionBytes)) return 'the triangles cannot be read'
      // taken only now: memory may have grown
      const positions = new Float32Array(module.HEAPU8.buffer, memory, 3 * points)
      const corners = new Uint32Array(module.HEAPU8.buffer, memory + positionBytes, 3 * faces)
      const out = new Float32Array(target.buffer, target.byteOffset, 9 * faces)
      for (let n = 0; n < corners.length; n++) {
        const corner = corners[n]!
        if (corner >= points) return `a triangle has corner ${corner}, there are ${points}`
        out[3 * n] = positions[3 * corner]!
        out[3 * n + 1] = positions[3 * corner + 1]!
        out[3 * n + 2] = positions[3 * corner + 2]!
      }
      return faces * TRIANGLE_BYTES
    } finally {
      module._free(memory)
    }
  } finally {
    module.destroy(status)
    module.destroy(mesh)
    module.destroy(decoder)
  }
}
