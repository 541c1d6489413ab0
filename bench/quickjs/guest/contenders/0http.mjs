import createServer from '0http'
import { ROUTES, byListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const { router } = createServer()
  for (const step of steps(count, goOn)) router.use(step)
  for (const route of ROUTES) router.on(route.method, route.path, handlerOf(route))
  return byListener((req, res) => router.lookup(req, res))
}
