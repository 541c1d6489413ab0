import createRouter from 'find-my-way'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = createRouter()
  for (const route of ROUTES) router.on(route.method, route.path, route.answer)
  return (method, path) => {
    const found = router.find(method, path)
    return found && found.handler(found.params)
  }
}
