import { H3 } from 'h3'
import { ROUTES, steps } from '../world.mjs'

export function build(count) {
  const app = new H3()
  for (const step of steps(count, (_event, next) => next())) app.use(step)
  for (const { method, path, answer } of ROUTES) app.on(method, path, (event) => answer(event.context.params))
  return async (method, path) => {
    const response = await app.fetch({ method, url: 'http://localhost' + path, headers: { get() {} } })
    return response.text()
  }
}
