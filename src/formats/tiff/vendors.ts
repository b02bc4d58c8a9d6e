/**
 * Files of microscope and slide makers that are TIFFs by their first bytes but arrange their pages in ways of their own. Read as plain
 * pages they would be shown wrong, so they are refused by name.
 */
import { Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag } from './ifd.ts'

const BY_TAG: readonly (readonly [tag: number, name: string])[] = [
  [34412, 'Zeiss LSM'],
  [33628, 'MetaMorph STK'],
  [33629, 'MetaMorph STK'],
  [34361, 'Olympus FluoView'],
  [65420, 'Hamamatsu NDPI'],
  [65426, 'Hamamatsu NDPI'],
  [37706, 'TVIPS'],
]

const BY_DESCRIPTION: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^<\?xml[^>]*>\s*<scn[\s>]|www\.leica-microsystems\.com\/scn/, 'Leica SCN'],
  [/<PerkinElmer-QPI-ImageDescription>/, 'PerkinElmer QPTIFF'],
  [/<iScan[\s>]|level=0 mag=/, 'Ventana BIF'],
  [/<DataObject ObjectType="DPUfsImport"/, 'Philips slide'],
  [/<MetaData>\s*<prop|<PlaneInfo>/, 'MetaMorph'],
  [/^state\.configPath|scanimage\.|^SI\.|\nSI\.VERSION/, 'ScanImage'],
]

/** Throws `Unusable` with the maker's name. Description and software must be loaded. */
export function refuseVendors(ifd: Ifd, description: string): void {
  const software = ifd.text(Tag.Software) ?? ''
  const name =
    BY_TAG.find(([tag]) => ifd.has(tag))?.[1] ??
    BY_DESCRIPTION.find(([pattern]) => pattern.test(description.slice(0, 4096)))?.[1] ??
    (/^SI\.|^(Philips DP|ScanImage)/.test(software) ? (software.startsWith('Philips') ? 'Philips slide' : 'ScanImage') : undefined)
  if (name)
    throw new Unusable(`a ${name} file, whose pages are arranged in a way of its own that is not supported yet: save it as OME-TIFF`)
}
