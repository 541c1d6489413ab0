// The same work by hand and by an app, as fetch handlers. Run by Deno or Bun with the name of one of them it serves that one, for
// fetch.mjs; it prints where.

import rest, { Router } from '../../dist/microrest.js'
import { toFetch } from '../../dist/hosts/fetch.js'

const TEXT = 'x'.repeat(200)
const AS_TEXT = { headers: { 'content-type': 'text/plain; charset=utf-8' } }
const AS_JSON = { headers: { 'content-type': 'application/json' } }

/** By hand: just this work, and no more. @param {Request} request @returns {Promise<Response>} */
async function bare(request) {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/text') return new Response(TEXT, AS_TEXT)
  if (pathname === '/echo') return new Response(JSON.stringify(await request.json()), AS_JSON)
  const [, , id, , post] = pathname.split('/')
  return new Response(JSON.stringify({ id, post, page: searchParams.get('page') }), AS_JSON)
}

const app = rest({ router: new Router() })
app.get('/text', () => TEXT)
app.get('/users/:id/posts/:post', (req) => {
  const page = new URLSearchParams((req.url ?? '').split('?')[1]).get('page')
  return { id: req.params.id, post: req.params.post, page }
})
app.post('/echo', (req) => JSON.parse(String(req.body)))

/** @type {{ [name: string]: (request: Request, ...runtime: unknown[]) => Promise<Response> }} */
export const HANDLERS = { bare, microrest: toFetch(app) }

const BODY = JSON.stringify({ title: 'a title', tags: ['a', 'b'], text: 'y'.repeat(950) })

/** What is asked for, and what has to be answered. */
export const WORK = [
  { what: 'a text of 200 bytes', path: '/text', answer: TEXT },
  { what: 'two parameters and a query, as JSON', path: '/users/7/posts/12?page=3', answer: '{"id":"7","post":"12","page":"3"}' },
  { what: 'a JSON body of 1 KB, sent back', path: '/echo', body: BODY, answer: BODY },
]

const { Deno, Bun } = /** @type {any} */ (globalThis)
if (Deno || Bun) {
  const handler = HANDLERS[process.argv[2] ?? ''] ?? bare
  /** The server tells what it has used so far. @param {Request} request @param {unknown[]} runtime */
  const serve = (request, ...runtime) => {
    if (request.url.endsWith('/cpu')) return Response.json(process.cpuUsage())
    return handler(request, ...runtime)
  }
  /** @param {{ port: number }} address */
  const tell = ({ port }) => console.log('http://127.0.0.1:' + port)
  if (Deno) Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: tell }, serve)
  else tell(Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: serve }))
}
