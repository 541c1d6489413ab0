import { Trouter } from 'trouter'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = new Trouter()
  for (const route of ROUTES) router.add(route.method, route.path, route.answer)
  return (method, path) => {
    const { handlers, params } = router.find(method, path)
    return handlers[0] && handlers[0](params)
  }
}
