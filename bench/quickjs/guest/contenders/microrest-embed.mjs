import { ROUTES, goOn, steps } from '../world.mjs'

export function build(count) {
  const app = microrest({ router: new microrest.Router() })
  for (const step of steps(count, goOn)) app.use(step)
  for (const { method, path, answer } of ROUTES) app.rest.router.setRoute(path, method, (req) => answer(req.params))
  return (method, url) => {
    let text
    microrest.handle(app, { method, url }, (_status, _headers, body) => { text = body })
    return text
  }
}
