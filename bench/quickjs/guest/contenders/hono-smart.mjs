import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { ROUTES } from '../world.mjs'

export function build() {
  const router = new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] })
  for (const route of ROUTES) router.add(route.method, route.path, route)
  return (method, path) => {
    const [handlers, values] = router.match(method, path)
    const found = handlers[0]
    return found && found[0].answer(values ? named(found[1], values) : found[1])
  }
}

/** As its requests do when a parameter is asked for: by name an index, and there the value. */
function named(indexes, values) {
  const params = {}
  for (const name in indexes) params[name] = values[indexes[name]]
  return params
}
