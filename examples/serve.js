// A program for production: what it listens on and how it closes comes from the environment, as containers want it.
//
//     PORT=8080 node examples/serve.js
//
// docs/deploy.md puts it behind nginx, and on Kubernetes.

import { readiness, serve } from '../dist/hosts/node.js'
import rest, { Router } from '../dist/microrest.js'

const app = rest({ router: new Router() })

// Alive is who answers at all. Ready is who is to be sent requests: not any more from the moment SIGTERM comes.
app.get('/live', () => 'alive')
app.get('/ready', readiness())

app.get('/whoami', (req) => ({ ip: req.ip, protocol: req.protocol, host: req.host, process: process.pid }))

const { PORT = '8080', WORKERS = '0', TRUST_PROXY, CLOSE_DELAY = '0', GRACE_TIME = '20000' } = process.env

const { url } = await serve(app, {
  port: PORT,
  workers: Number(WORKERS),
  // 'loopback' behind nginx on the same machine; the network of the cluster behind an ingress.
  trustProxy: TRUST_PROXY?.split(','),
  closeDelay: Number(CLOSE_DELAY),
  graceTime: Number(GRACE_TIME),
})
console.log(url)
