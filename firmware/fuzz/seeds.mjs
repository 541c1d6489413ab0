// Inputs for fuzz_connection to begin with, one file each: good requests of every kind, as the actions that it reads.
//
//     node seeds.mjs FOLDER

import fs from 'node:fs'
import path from 'node:path'

/** An action is the number of a connection, what is done, and an argument: see act() in fuzz_connection.c. */
const action = (what, connection = 0, argument = 0) => Buffer.from([connection | what << 1 | argument << 4])
const closeHalf = action(0)
const reset = action(1)
const passTime = action(2, 0, 15)
const take = action(3)

/** Text in pieces of at most 255 bytes. */
function send(text, connection = 0) {
  const bytes = Buffer.from(text, 'latin1')
  const pieces = []
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255)
    pieces.push(action(4, connection), Buffer.from([piece.length]), piece)
  }
  return Buffer.concat(pieces)
}

/** A request with the header lines given. */
const request = (line, ...lines) => [line + ' HTTP/1.1', 'host: x', ...lines, '', ''].join('\r\n')

const SEEDS = {
  get: [send(request('GET /a')), take],
  pipelined: [send(request('GET /p/1?a=b') + request('POST /a', 'content-length: 3') + 'abc' + request('GET /e')), take, closeHalf],
  chunked: [send(request('POST /j', 'transfer-encoding: chunked') + '5;a=b\r\n{"a":\r\n2\r\n1}\r\n0\r\nx: y\r\n\r\n'), take],
  streams: [send(request('GET /s') + request('HEAD /s') + 'GET /s HTTP/1.0\r\n\r\n'), take, take, take],
  continue: [send(request('POST /a', 'expect: 100-continue', 'content-length: 4')), take, send('abcd'), take],
  waiting: [send(request('GET /n')), send(request('GET /t'), 1), passTime, take, reset],
  destroyed: [send(request('GET /d')), take, passTime],
  buffers: [
    send(request('POST /a', 'content-length: 5000') + 'x'.repeat(5000)), take,
    send(request('POST /a', 'content-length: 5000') + 'y'.repeat(2000), 1), take,
  ],
}

const folder = process.argv[2]
fs.mkdirSync(folder, { recursive: true })
for (const [name, actions] of Object.entries(SEEDS)) fs.writeFileSync(path.join(folder, name), Buffer.concat(actions))
