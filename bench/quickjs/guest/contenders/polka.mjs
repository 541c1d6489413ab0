import polka from 'polka'
import { ROUTES, byListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const app = polka()
  for (const step of steps(count, goOn)) app.use(step)
  for (const route of ROUTES) app.add(route.method, route.path, handlerOf(route))
  return byListener((req, res) => app.handler(req, res))
}
