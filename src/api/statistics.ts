/** What a layer holds, from a sample of it: histogram and a place with data (protocol.md 2.6, 2.7). */
import { Elysia } from 'elysia'
import { findData } from '../render/find-data.ts'
import { histogramsOf } from '../render/histogram.ts'
import { messageOf } from '../volume/errors.ts'
import { Pace } from '../volume/pace.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { json } from './headers.ts'
import { findLayer, type LayerParams, type OpenLayer } from './lookup.ts'
import { describe } from './openapi.ts'
import { layerPaths } from './paths.ts'

export const statisticsRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const path of layerPaths('histogram')) {
    app.get(
      path,
      async ({ params, request }) => {
        const open = await findLayer(context, params as unknown as LayerParams, request)
        return json(await sampled(context, open, request, () => histogramsOf(open.layer, optionsOf(context, request))))
      },
      { detail: describe('How often which values occur in a sample; three of an RGB layer') },
    )
  }
  for (const path of layerPaths('findData')) {
    app.get(
      path,
      async ({ params, request }) => {
        const open = await findLayer(context, params as unknown as LayerParams, request)
        const found = await sampled(context, open, request, () => findData(open.layer, optionsOf(context, request)))
        const mag = found?.mag.factor ?? null
        // `resolution`: until 2022
        return json({ position: found?.position ?? null, mag, resolution: mag })
      },
      { detail: describe('A position that is not zero, and the mag it was seen in; null where the sample is all zero') },
    )
  }
  return app
}

const optionsOf = ({ chunks }: Context, { signal }: Request) => ({ chunks, pace: new Pace(), signal })

/** webKnossos answers 400 when nothing of the sample can be read. */
async function sampled<T>({ log }: Context, { entry, layer }: OpenLayer, { signal }: Request, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const where = `${entry.organization}/${entry.name}, layer ${layer.name}`
    if (!signal.aborted) log.trouble(where, `${where}: sample: ${messageOf(error)}`)
    throw new HttpError(400, `No part of layer ${layer.name} that was looked at could be read.`)
  }
}
