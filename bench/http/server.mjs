// One contender, as a server in a process of its own:
//
//     node bench/http/server.mjs polka [port]
//
// As a child of the bench it takes a free port and sends `{ port }`; to any message it answers with the CPU time it has used, in
// microseconds.

import { CONTENDERS } from './contenders.mjs'

const [name, port = 0] = process.argv.slice(2)
const contender = CONTENDERS.find((one) => one.name === name)
if (!contender) throw new Error('no such contender: ' + name)

const { [contender.form ?? 'default']: build } = await import(contender.file)
const server = await build()
server.listen(Number(port), '127.0.0.1', () => {
  const { port } = server.address()
  if (process.send) process.send({ port })
  else console.log(`${name}: http://127.0.0.1:${port}`)
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ user, system })
})
// Nobody is left to ask.
process.on('disconnect', () => process.exit())
