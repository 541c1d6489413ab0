// The page of the demo: its devices and its routes, as HTML that needs nothing else.

const STYLE = `
  :root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --page: #f4f5f7; --card: #fff; --line: #e3e6eb; --mark: #0b7a75 }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6e9ef; --dim: #98a2b3; --page: #12151b; --card: #1b2029; --line: #2b323e; --mark: #4fd1c5 }
  }
  * { box-sizing: border-box }
  body { margin: 0 auto; max-width: 46rem; padding: 3rem 1.25rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
  h1 { margin: 0; font-size: 2rem; letter-spacing: -.03em }
  h1 + p { margin: 0; color: var(--dim) }
  h2 { margin: 2.5rem 0 .75rem; color: var(--dim); font-size: .8rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase }
  ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none }
  li, table { border: 1px solid var(--line); border-radius: .75rem; background: var(--card) }
  li a { display: block; padding: .9rem 1.1rem; color: inherit; overflow-wrap: anywhere; text-decoration: none }
  li b { float: right; font-size: 1.4rem; font-weight: 600; line-height: 1.2 }
  li small { display: block; color: var(--dim) }
  table { width: 100%; padding: .4rem 0; border-spacing: 0 }
  td { padding: .3rem 1.1rem; font: .95rem/1.6 ui-monospace, monospace }
  td:first-child { width: 6.5rem; color: var(--mark); font-weight: 600 }
  td a { color: inherit; text-underline-offset: .2em }
  var { color: var(--mark) }
  a:hover { color: var(--mark) }`

/** What may not stand in HTML as it is. @type {{ [character: string]: string }} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** @param {unknown} text */
function escape(text) {
  return String(text).replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '')
}

/** @param {{ id: string, kind: string, room: string, value: number }} device */
function renderDevice({ id, kind, room, value }) {
  return `<li><a href="/devices/${escape(id)}"><b>${value}${kind === 'thermostat' ? ' °C' : ' %'}</b>${escape(kind)}<small>${escape(room)}</small></a></li>`
}

/** @param {{ method: string, path: string }} route */
function renderRoute({ method, path }) {
  const text = escape(path).replace(/:[^/]+/g, '<var>$&</var>')
  const isLink = method === 'GET' && !path.includes(':')
  return `<tr><td>${escape(method)}<td>${isLink ? `<a href="${escape(path)}">${text}</a>` : text}`
}

/**
 * @param {{ method: string, path: string }[]} routes
 * @param {{ id: string, kind: string, room: string, value: number }[]} devices
 */
export function renderPage(routes, devices) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>microrest demo</title>
<link rel="icon" href="data:,">
<style>${STYLE}
</style>
<h1>microrest demo</h1>
<p>A small house, and the routes that run it.</p>
<h2>Devices</h2>
<ul>
${devices.map(renderDevice).join('\n')}
</ul>
<h2>Routes</h2>
<table>
${routes.map(renderRoute).join('\n')}
</table>
</html>
`
}
