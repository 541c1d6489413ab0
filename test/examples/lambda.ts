// examples/lambda.js, as its provider calls it, and as one does at home.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { SOURCES, getEvent, readEvent } from '../fixtures/lambda/events.ts'

const FILE = path.join(ROOT, 'examples/lambda.js')
const { handler } = await import(FILE)

t.test('the handler answers the events of each source', async t => {
  for (const source of SOURCES) {
    const { statusCode, body } = await handler(readEvent(source))
    t.strictSame([statusCode, JSON.parse(body)], [200, { saved: 'café au lait', item: { price: '3 €' } }], source)
  }
  t.match(await handler({ ...getEvent('rest-api', '/hello/Ada'), multiValueQueryStringParameters: { a: ['1', '2'] } }), {
    body: '{"hello":"Ada","query":{"a":["1","2"]}}',
  })
  t.match(await handler(getEvent('rest-api', '/whoami')), { body: '{"authorizer":{"principalId":"user-7"}}' })
  t.match(await handler(getEvent('load-balancer', '/whoami')), { body: '{"authorizer":null}' })
})

t.test('run by itself it answers the event that it reads', async t => {
  const { NODE_OPTIONS: _tap, ...env } = process.env
  const options = { input: JSON.stringify(getEvent('function-url', '/hello/Ada')), encoding: 'utf8', env } as const
  const printed = execFileSync(process.execPath, [FILE], options)
  t.match(printed, /statusCode: 200,[^]*body: '{"hello":"Ada","query":{}}'/)
})
