/** Style and script of the page, and the one way a word gets into it. */

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Names come from files and requests. */
export const escapeHtml = (word: string): string => word.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!)

/** How a content security policy names a style or script that is allowed. */
export const hashOf = (code: string): string => `'sha256-${new Bun.CryptoHasher('sha256').update(code).digest('base64')}'`

export const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { max-width: 76rem; margin: 0 auto; padding: 1rem }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 } h3 { font-size: 1rem; margin: 0 0 .3rem; overflow-wrap: anywhere }
p { margin: .2rem 0 }
section { border-top: 1px solid #8884; padding: .8rem 0 }
.organization, .source { opacity: .65; font-weight: normal }
.guessed { color: #b60; font-weight: 600 }
.layers { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: .5rem }
.layer { width: 18rem }
.layer img { display: block; width: 100%; height: 18rem; object-fit: contain; background: #000; color: #f88; image-rendering: pixelated }
.layer input[type=range] { width: 12rem; vertical-align: middle }
.doors { display: flex; gap: .6rem; align-items: baseline; flex-wrap: wrap } .doors code, .addresses code { overflow-wrap: anywhere }
.reason { color: #c22; overflow-wrap: anywhere } .fix { opacity: .85 } .fix::before { content: "→ " }
.connection.good, .arrived { opacity: .75 } .connection.bad, .missing { color: #c22; overflow-wrap: anywhere }
.empty, nav { padding: 1rem 0 }
code { font-size: .9em }
pre { overflow-x: auto; font-size: .8em; margin: .3rem 0 }
summary { cursor: pointer }
`

/**
 * Moving the slider shows the slice at once; without it the form's button does. Addresses and copied lines name the server as the
 * reader sees it.
 */
export const SCRIPT = `
for (const place of document.querySelectorAll('a[data-origin], code[data-origin]')) {
  const { origin } = place.dataset
  if (place.href) place.href = place.href.replaceAll(encodeURIComponent(origin), encodeURIComponent(location.origin))
  else place.textContent = place.textContent.replace(origin, location.origin)
}
for (const slider of document.querySelectorAll('input[data-picture]')) {
  const picture = slider.closest('.layer').querySelector('img')
  const shown = slider.form.querySelector('output')
  let waiting = 0
  slider.addEventListener('input', () => {
    shown.value = slider.value
    clearTimeout(waiting)
    waiting = setTimeout(() => { picture.src = slider.dataset.picture + '?z=' + slider.value }, 60)
  })
}
for (const button of document.querySelectorAll('button[data-origin]')) {
  button.hidden = false
  button.addEventListener('click', async (event) => {
    event.preventDefault()
    const details = button.closest('details')
    const lines = button.previousElementSibling ?? details.querySelector('pre')
    try {
      await navigator.clipboard.writeText(lines.textContent.replaceAll(button.dataset.origin, location.origin))
      button.textContent = 'Copied'
    } catch {
      // without https a page may not: the lines are shown, selected
      if (details) details.open = true
      getSelection().selectAllChildren(lines)
      button.textContent = 'Press Ctrl+C'
    }
  })
}
`
