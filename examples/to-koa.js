// A bridge: middleware of connect's kind as middleware of koa.

/**
 * Make middleware of koa out of one that is `(req, res, next)`.
 *
 * @typedef {import('node:http').IncomingMessage} Req
 * @typedef {import('node:http').ServerResponse} Res
 * @param {(req: Req, res: Res, next: (err?: unknown) => void) => unknown} middleware
 * @returns {import('koa').Middleware}
 */
export function toKoa(middleware) {
  return function toKoa(ctx, next) {
    const { req, res, respond } = ctx
    const { statusCode } = res
    // Parsers of koa leave the body on a request of koa's own.
    const { body } = /** @type {{ body?: unknown }} */ (ctx.request)
    if (body !== undefined) Object.assign(req, { body })
    return new Promise((resolve, reject) => {
      // Koa begins with a 404, and answers when its middleware is through: not if it has been answered here.
      res.statusCode = 200
      ctx.respond = false
      res.on('close', resolve)
      middleware(req, res, (err) => {
        res.statusCode = statusCode
        ctx.respond = respond
        if (err) reject(err)
        else resolve(next())
      })
    })
  }
}
