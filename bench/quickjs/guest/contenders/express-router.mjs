import createRouter from 'router'
import { ROUTES, byListener, goOn, handlerOf, steps } from '../world.mjs'

export function build(count) {
  const router = createRouter()
  for (const step of steps(count, goOn)) router.use(step)
  for (const route of ROUTES) router[route.method.toLowerCase()](route.path, handlerOf(route))
  return byListener(router)
}
