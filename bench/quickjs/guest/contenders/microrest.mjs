import { ROUTES, byListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const router = new microrest.Router()
  const app = microrest({ router })
  for (const step of steps(count, goOn)) app.use(step)
  for (const route of ROUTES) router.setRoute(route.path, route.method, handlerOf(route))
  return byListener(app)
}
