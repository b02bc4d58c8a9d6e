/** The page at /: every dataset with a picture of each layer. One document, no other files, usable without JavaScript. */
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import { shownDataset } from '../datasets/data-source.ts'
import { sizeOf } from '../volume/box.ts'
import type { Dataset, Layer, VoxelSize } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { magLiteral } from '../volume/vec.ts'
import type { CoreState } from '../webknossos/connection.ts'
import { renderArrival, renderConnection } from './connection.ts'
import { fixFor } from './fixes.ts'
import { neuroglancerLink } from './neuroglancer.ts'
import { hashOf, SCRIPT, STYLE, escapeHtml as text } from './parts.ts'
import { pythonSnippet } from './snippet.ts'

const PER_PAGE = 50

interface Making {
  readonly layer: string
  readonly mag: string
  /** From 0 to 1. */
  readonly done: number
}

export interface PageOptions {
  /** Mags being made just now of a dataset. */
  readonly making?: (versionedId: string) => readonly Making[]
  readonly version: string
  /** In front of every link. */
  readonly base: string
  /** The connection to webKnossos, where there is one. */
  readonly core?: CoreState | undefined
  /** From 1 on. */
  readonly page: number
  /** Scheme, host and port the page was asked for. */
  readonly origin: string
  /** Between which values a layer is shown at first, where that is known. */
  readonly contrastOf?: (entry: CatalogueEntry, layer: Layer) => readonly [number, number] | undefined
  /** Where neuroglancer runs; empty for no links to it. */
  readonly neuroglancer: string
  /** The slice a reader without JavaScript asked for. */
  readonly chosen?: { readonly dataset: string; readonly layer: string; readonly z: number } | undefined
}

export const contentSecurityPolicy = `default-src 'none'; img-src 'self' data:; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

export function renderPage(entries: readonly CatalogueEntry[], options: PageOptions): string {
  const { version, base, core, page } = options
  const pages = Math.max(1, Math.ceil(entries.length / PER_PAGE))
  const current = Math.min(Math.max(1, Math.floor(page)), pages)
  const shown = entries.slice((current - 1) * PER_PAGE, current * PER_PAGE)
  const count = (status: string) => entries.filter((entry) => entry.status === status).length
  const opening = count('opening')
  const summary = `${entries.length} dataset${entries.length === 1 ? '' : 's'}${count('unusable') ? `, ${count('unusable')} that cannot be opened` : ''}${opening ? `, ${opening} being opened` : ''}`
  const body = [
    `<header><h1>wkconnect</h1><p>${text(summary)} · version ${text(version)}</p></header>`,
    core ? renderConnection(core) : '',
    entries.length === 0 ? nothing() : '',
    ...shown.map((entry) => renderDataset(entry, { ...options, page: current })),
    pages > 1 ? renderPages(base, current, pages) : '',
  ]
  return renderDocument(body.join('\n'), opening > 0)
}

/** `failed`: something was tried that was not right. `next`: the page to come to afterwards. */
export function renderSignIn(base: string, failed: boolean, next: '' | 'trace' = ''): string {
  return renderDocument(
    `<header><h1>wkconnect</h1></header><form class="sign-in" method="post" action="${text(base)}/sign-in${next && `?next=${next}`}"><label>Token <input type="password" name="token" autofocus autocomplete="current-password"></label> <button>Sign in</button>${failed ? '<p class="reason">That was not right, or a link that was used before.</p>' : ''}<p>The log showed the admin token, or a link that signs in once, when the server started.</p></form>`,
    false,
  )
}

const renderDocument = (body: string, refresh: boolean): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${refresh ? '<meta http-equiv="refresh" content="2">' : ''}
<title>wkconnect</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
${body}
<script>${SCRIPT}</script>
</html>
`

const nothing = (): string =>
  '<p class="empty">No datasets found. A dataset is a folder with <code>datasource-properties.json</code>, WKW layers or <code>.tif</code> files. Start with <code>--sample</code> to have something to look at.</p>'

function renderDataset(entry: CatalogueEntry, options: Omit<PageOptions, 'version'>): string {
  const { id, organization, name, status, reason, dataset } = entry
  const title = `<h2><span class="organization">${text(organization)}/</span>${text(name)}</h2>`
  if (status === 'opening') return `<section id="d${id}" class="opening">${title}<p>is being opened …</p></section>`
  const arrival = options.core ? renderArrival(options.core, `${organization}/${name}`) : ''
  if (!dataset) return `<section id="d${id}" class="unusable">${title}${renderReason(reason ?? 'it cannot be opened')}${arrival}</section>`
  const { chosen } = options
  const layers = dataset.layers.map((layer) => {
    const z = chosen?.dataset === id && chosen.layer === layer.name ? chosen.z : undefined
    return renderLayer(id, layer, options, z)
  })
  const broken = dataset.broken.map((one) => `<div class="layer unusable"><h3>${text(one.name)}</h3>${renderReason(one.status)}</div>`)
  const progress = (options.making?.(entry.versionedId) ?? []).map(
    ({ layer, mag, done }) => `<p>making mag ${text(mag)} of ${text(layer)}: ${Math.floor(done * 100)} %</p>`,
  )
  return `<section id="d${id}">${title}<p>${renderVoxelSize(dataset.voxelSize)} · <code>${id}</code></p>${progress.join('')}${arrival}${renderDoors(entry, dataset, options)}<div class="layers">${[...layers, ...broken].join('')}</div></section>`
}

/** Ways into other programs. The script puts the address the reader knows us by in place of ours, which a proxy may hide. */
function renderDoors(entry: CatalogueEntry, dataset: Dataset, options: Omit<PageOptions, 'version'>): string {
  const { origin, base, neuroglancer, contrastOf } = options
  const zarr = `${origin}${base}/data/zarr/${entry.id}`
  const shown = shownDataset(entry, dataset, (layer) => contrastOf?.(entry, layer))
  const link = neuroglancer
    ? ` <a data-origin="${text(origin)}" href="${text(neuroglancerLink(neuroglancer, zarr, shown))}" target="_blank" rel="noopener">open in neuroglancer</a>`
    : ''
  return `<p class="doors">Zarr <code data-origin="${text(origin)}">${text(zarr)}</code> <button type="button" hidden data-origin="${text(origin)}">Copy</button>${link}</p>`
}

function renderLayer(
  id: string,
  layer: Layer,
  { base, page, origin }: Pick<PageOptions, 'base' | 'page' | 'origin'>,
  chosen: number | undefined,
): string {
  const { name, category, boundingBox, mags } = layer
  const first = boundingBox.min[2]
  const last = boundingBox.max[2] - 1
  const z = Math.min(last, Math.max(first, chosen ?? Math.floor((first + boundingBox.max[2]) / 2)))
  const source = `${base}/picture/${id}/${encodeURIComponent(name)}`
  const list = (isMade: boolean) =>
    mags
      .filter(({ isComputed }) => Boolean(isComputed) === isMade)
      .map(({ factor }) => magLiteral(factor))
      .join(', ')
  const listed = `${list(false)}${list(true) ? `, computed ${list(true)}` : ''}`
  const slider =
    last > first
      ? `<form method="get" action="${text(base)}/#d${id}"><input type="hidden" name="page" value="${page}"><input type="hidden" name="dataset" value="${id}"><input type="hidden" name="layer" value="${text(name)}"><label>z <input type="range" name="z" min="${first}" max="${last}" value="${z}" data-picture="${text(source)}"></label> <output>${z}</output> <noscript><button>Show</button></noscript></form>`
      : ''
  return `<div class="layer"><h3>${text(name)}</h3><img loading="lazy" src="${text(source)}?z=${z}" alt="slice z = ${z} of ${text(name)} could not be drawn">${slider}<p>${sizeOf(boundingBox).join(' × ')} · ${text(elementClassOf(layer.dataType, layer.channels) ?? '')} · ${category}<br>mags ${text(listed)}</p>${renderSnippet(origin + base, id, layer)}${renderOmeZarr(origin, base, id, layer)}</div>`
}

/** The button works with the script only; the lines themselves can be copied by hand. */
function renderSnippet(origin: string, id: string, layer: Layer): string {
  const lines = text(pythonSnippet(origin, id, layer))
  return `<details><summary>Python <button data-origin="${text(new URL(origin).origin)}" hidden>Copy</button></summary><pre>${lines}</pre></details>`
}

/** The addresses of this layer for programs that open one image, and draw the last two of its axes. */
function renderOmeZarr(origin: string, base: string, id: string, { name }: Layer): string {
  const lines = [
    ['zarr-zyx', 'Zarr (z, y, x): napari and others'],
    ['zarr-planes', 'the same with all planes in every mag: Viv, Vitessce'],
  ].map(([route, whom]) => {
    const address = `${origin}${base}/data/${route}/${id}/${encodeURIComponent(name)}`
    return `<p>${whom}<br><code data-origin="${text(origin)}">${text(address)}</code> <button type="button" hidden data-origin="${text(origin)}">Copy</button></p>`
  })
  return `<details class="addresses"><summary>OME-Zarr</summary>${lines.join('')}</details>`
}

function renderVoxelSize({ nm, source }: VoxelSize): string {
  const size = nm.map((edge) => Number(edge.toPrecision(6))).join(' × ')
  return `voxel ${size} nm <span class="${source.startsWith('guessed') ? 'guessed' : 'source'}">(${text(source)})</span>`
}

function renderReason(reason: string): string {
  const fix = fixFor(reason)
  return `<p class="reason">${text(reason)}</p>${fix ? `<p class="fix">${text(fix)}</p>` : ''}`
}

function renderPages(base: string, current: number, pages: number): string {
  const link = (page: number, words: string) =>
    page < 1 || page > pages ? `<span>${words}</span>` : `<a href="${text(base)}/?page=${page}">${words}</a>`
  return `<nav>${link(current - 1, '← before')} page ${current} of ${pages} ${link(current + 1, 'after →')}</nav>`
}
