import { ROUTES } from '../world.mjs'

export function build() {
  const router = new microrest.Router()
  for (const route of ROUTES) router.setRoute(route.path, route.method, route.answer)
  return (method, path) => {
    const found = router.getRoute(path, method)
    return found && (found.mw ? found.mw[0](found.params) : found[0]())
  }
}
