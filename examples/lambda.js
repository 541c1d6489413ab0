// A function in the cloud: name `handler` in its configuration. Or at home, with a document of an event:
// `node examples/lambda.js < event.json`

import { pathToFileURL } from 'node:url'
import { json } from 'node:stream/consumers'
import { toLambda } from '../dist/hosts/lambda.js'
import rest, { Router, mw } from '../dist/microrest.js'

const app = rest({ router: new Router() })

app.use(mw.mwParseQuery)
app.get('/hello/:name', (req) => ({ hello: req.params.name, query: req.query }))
app.get('/whoami', (req) => ({ authorizer: req.lambda?.event.requestContext?.authorizer ?? null }))
app.put('/items/:name', (req) => ({ saved: req.params.name, item: JSON.parse(String(req.body)) }))

export const handler = toLambda(app)

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await handler(await json(process.stdin)))
