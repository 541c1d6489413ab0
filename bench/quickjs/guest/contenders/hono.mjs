import { Hono } from 'hono'
import { ROUTES, steps } from '../world.mjs'

export function build(count) {
  const app = new Hono()
  for (const step of steps(count, (_context, next) => next())) app.use(step)
  for (const { method, path, answer } of ROUTES) app.on(method, path, (context) => ({ text: answer(context.req.param()) }))
  return async (method, path) => {
    const response = await app.fetch({ method, url: 'http://localhost' + path, headers: NO_HEADERS })
    return response.text
  }
}

const NO_HEADERS = { get() {} }
