// The three requests that the HTTP bench makes, and the answers that every contender has to give.

/** What `/text` answers: 200 bytes. */
export const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(5).slice(0, 200)

/** What is posted to `/echo`: JSON of 1 KB, written as JSON.stringify writes it. */
export const JSON_BODY = buildBody(1024)

/**
 * @typedef {{ method: string, url: string, body?: string }} Call
 * @typedef {{ type: string, body: string }} Answer the media type without parameters, and the body
 * @typedef {{ name: string, title: string, calls: Call[], answer(call: Call): Answer }} Workload
 */

/** @type {Workload[]} */
export const WORKLOADS = [
  {
    name: 'text',
    title: 'a text of 200 bytes',
    calls: [{ method: 'GET', url: '/text' }],
    answer: () => ({ type: 'text/plain', body: TEXT }),
  },
  {
    name: 'params',
    title: 'two path parameters, a query, a JSON answer',
    // No two in a row are the same, as they are not in life. There are so many that a cache can hold them all.
    calls: Array.from({ length: 250 }, (_, ix) => {
      return { method: 'GET', url: `/users/${1000 + ix}/posts/${9999 - ix * 7}?lang=en&page=${10 + ix % 90}` }
    }),
    answer(call) {
      const [, user, post, page] = call.url.match(/users\/(.*)\/posts\/(.*)\?.*page=(.*)/) ?? []
      return { type: 'application/json', body: JSON.stringify({ user, post, page }) }
    },
  },
  {
    name: 'echo',
    title: 'a JSON body of 1 KB, parsed and sent back',
    calls: [{ method: 'POST', url: '/echo', body: JSON_BODY }],
    answer: () => ({ type: 'application/json', body: JSON_BODY }),
  },
]

/** @param {string} name @returns {Workload} */
export function workloadOf(name) {
  const found = WORKLOADS.find((workload) => workload.name === name)
  if (!found) throw new Error('no such workload: ' + name)
  return found
}

/**
 * JSON of exactly so many bytes: an order as a shop might send it.
 *
 * @param {number} bytes
 */
function buildBody(bytes) {
  const order = {
    id: 4711,
    paid: true,
    total: 1234.5,
    customer: { name: 'A. N. Other', mail: 'other@example.com', tags: ['new', 'eu'] },
    lines: Array.from({ length: 9 }, (_, ix) => ({ sku: 'item-' + ix, count: ix + 1, price: 9.75 * (ix + 1), note: null })),
    remark: '',
  }
  order.remark = 'x'.repeat(bytes - JSON.stringify(order).length)
  return JSON.stringify(order)
}
