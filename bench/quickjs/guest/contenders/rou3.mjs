import { addRoute, createRouter, findRoute } from 'rou3'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = createRouter()
  for (const route of ROUTES) addRoute(router, route.method, route.path, route)
  return (method, path) => {
    const found = findRoute(router, method, path)
    return found && found.data.answer(found.params)
  }
}
