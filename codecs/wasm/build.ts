/**
 * Compiles the AssemblyScript sources of this folder: `bun codecs/wasm/build.ts`. The results are committed, so that neither
 * building nor testing needs the compiler (it brings 100 MB of binaryen).
 */
import { $ } from 'bun'

const here = import.meta.dir
for (const name of ['lz4', 'jpeg', 'compressed-segmentation', 'downsample', 'blosc']) {
  await $`bunx assemblyscript@0.28.20 ${here}/${name}.as.ts -o ${here}/${name}.wasm -O3 --runtime stub --enable simd --importMemory --noAssert`
}
