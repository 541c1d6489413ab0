import rest from 'microrest'
import Router from 'microrest/router'
import { ROUTES, byLateListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const app = rest({ router: new Router() })
  for (const step of steps(count, goOn)) app.use(step)
  for (const route of ROUTES) app.rest.router.setRoute(route.path, route.method, handlerOf(route))
  return byLateListener(app)
}
