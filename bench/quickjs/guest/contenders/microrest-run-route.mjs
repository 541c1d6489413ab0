import { ROUTES, byListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const router = new microrest.Router()
  if (count) router.setRoute('use', steps(count, goOn))
  for (const route of ROUTES) router.setRoute(route.path, route.method, handlerOf(route))
  return byListener((req, res, next) => router.runRoute(undefined, req, res, next))
}
