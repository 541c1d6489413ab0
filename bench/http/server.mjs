// One contender, as a server in a process of its own:
//
//     node bench/http/server.mjs polka [port]
//
// As a child of the bench it takes a free port, sends `{ port }`, and says on request what it has used of the machine.

import { contenderOf } from './contenders.mjs'

const [name = '', port] = process.argv.slice(2)
const { file, form } = contenderOf(name)
/** @type {import('node:http').Server} */
const server = await (await import(file))[form]()
server.listen(Number(port ?? 0), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  if (process.send) process.send({ port })
  else console.log(`${name}: http://127.0.0.1:${port}`)
})

process.on('message', (message) => {
  if (message === 'usage') process.send?.(process.resourceUsage())
})
// Nobody is left to ask. (An exit, for a profiler to write down what it has.)
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => process.exit())
