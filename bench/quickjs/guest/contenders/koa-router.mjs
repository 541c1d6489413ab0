import Router from '@koa/router'
import compose from 'koa-compose'
import { ROUTES, steps } from '../world.mjs'

export function build(count) {
  const router = new Router()
  for (const { method, path, answer } of ROUTES) {
    router.register(path, [method], (context) => { context.body = answer(context.params) })
  }
  const run = compose([...steps(count, (_context, next) => next()), router.routes()])
  return async (method, path) => {
    const context = { method, path, request: {}, params: {}, body: undefined }
    await run(context)
    return context.body
  }
}
