import { Unusable } from '../../volume/errors.ts'
import { type Page, sameKind } from './page.ts'

/** Slices are cut in the same way, so they must look like the first. Throws `Unusable` with both. */
export function checkAlike(page: Page, expected: Page, where: string): void {
  if (!sameKind(page, expected)) {
    const say = ({ width, height, samples, dataType }: Page) => `${width}×${height} pixels of ${samples}×${dataType}`
    throw new Unusable(`${where}: ${say(page)}, the first slice has ${say(expected)}`)
  }
  if (!cutAlike(page, expected)) throw new Unusable(`${where}: its tiles or strips differ from those of the first slice`)
}

/** Tiles have to match; rows of strips are put together whatever their height, unless a compressed one would not fit. */
function cutAlike(page: Page, expected: Page): boolean {
  if (page.isTiled !== expected.isTiled) return false
  const raw = page.pipeline.codec === 'raw' && expected.pipeline.codec === 'raw'
  return page.segment.width === expected.segment.width && (page.segment.height === expected.segment.height || (raw && !page.isTiled))
}
