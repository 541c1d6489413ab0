import { Router } from 'itty-router'
import { ROUTES, steps } from '../world.mjs'

export function build(count) {
  const app = Router({ before: steps(count, () => {}) })
  for (const { method, path, answer } of ROUTES) app[method.toLowerCase()](path, (request) => answer(request.params))
  return (method, path) => app.fetch({ method, url: 'http://localhost' + path })
}
