// A service worker that answers below /api: the page asks as if there were a server, and no request leaves the browser.
//
//     await navigator.serviceWorker.register('/service-worker.js', { type: 'module' })
//     await navigator.serviceWorker.ready

// @ts-nocheck: to the compiler all examples are programs of node

import rest, { Router } from '../dist/microrest.js'
import { toFetch } from '../dist/hosts/fetch.js'

const app = rest({ router: new Router() })
const notes = new Map()

app.get('/api/notes/:id', (req) => notes.get(req.params.id) ?? null)
app.put('/api/notes/:id', (req) => {
  notes.set(req.params.id, JSON.parse(String(req.body)))
  return { saved: req.params.id }
})

const handler = toFetch(app)

// A worker that is new takes over at once.
addEventListener('install', () => self.skipWaiting())
addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

addEventListener('fetch', (event) => {
  const { pathname } = new URL(event.request.url)
  // What is not answered here the browser gets from the network.
  if (pathname.startsWith('/api/')) event.respondWith(handler(event.request, event))
})
