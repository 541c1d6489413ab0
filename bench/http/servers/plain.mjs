// What the servers share that stand on the objects of node:http: how a body is read and an answer sent where a framework leaves that
// to its user.

/**
 * Answer with a text or with JSON.
 *
 * @param {import('node:http').ServerResponse} res
 * @param {string} type
 * @param {string} body
 */
export function send(res, type, body) {
  res.setHeader('content-type', type)
  res.end(body)
}

export const PLAIN = 'text/plain; charset=utf-8'
export const JSON_TYPE = 'application/json'

/**
 * Read a body of JSON.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {(value: unknown) => void} done
 */
export function readJson(req, done) {
  /** @type {Buffer[]} */
  const chunks = []
  req.on('data', (chunk) => chunks.push(chunk))
  req.on('end', () => done(JSON.parse(String(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))))
}
