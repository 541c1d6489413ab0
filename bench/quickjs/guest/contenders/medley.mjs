import Router from '@medley/router'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = new Router()
  for (const route of ROUTES) router.register(route.path)[route.method] = route
  return (method, path) => {
    const found = router.find(path)
    const route = found && found.store[method]
    return route && route.answer(found.params)
  }
}
