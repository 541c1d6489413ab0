import { Memoirist } from 'memoirist'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = new Memoirist()
  for (const route of ROUTES) router.add(route.method, route.path, route)
  return (method, path) => {
    const found = router.find(method, path)
    return found && found.store.answer(found.params)
  }
}
