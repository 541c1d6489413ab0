// node: who the client is, by what proxies say. What a client says of itself is believed nowhere.

import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { ServeOptions } from '../../hosts/node.ts'
import { rest } from '../fixtures/core.ts'
import { onPosix, start } from '../fixtures/node/start.ts'

const app = rest((req) => [req.ip ?? null, req.protocol, req.host])

type Headers = { [name: string]: string | string[] }
type Seen = [ip: string | null, protocol: string, host: string]

/** Ask over a socket, from 127.0.0.1. */
function ask(where: { port: number } | { socketPath: string }, headers: Headers): Promise<Seen> {
  return new Promise((resolve, reject) => {
    http.get({ ...where, headers: { host: 'a.test', ...headers }, agent: false }, async (res) => {
      resolve(JSON.parse((await res.setEncoding('utf8').toArray()).join('')))
    }).on('error', reject)
  })
}

/** A server that answers with what it takes its client to be. */
async function asker(t: Test, options: ServeOptions): Promise<(headers: Headers) => Promise<Seen>> {
  const { port } = await start(t, app, options)
  return (headers) => ask({ port }, headers)
}

const CLAIMS: Headers = {
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.test',
  'x-real-ip': '192.0.2.1',
  forwarded: 'for=192.0.2.1;proto=https;host=evil.test',
}

t.test('nobody is believed if no proxy is trusted, or one from elsewhere', async t => {
  for (const trustProxy of [undefined, ['10.0.0.0/8'], ['192.0.2.1'], ['::1', 'private'], ['unix']]) {
    const see = await asker(t, { trustProxy })
    t.strictSame(await see(CLAIMS), ['127.0.0.1', 'http', 'a.test'], String(trustProxy))
  }
})

t.test('X-Forwarded: what a row of trusted proxies says', async t => {
  // Trusted are who connects, 127.0.0.1, and what is in 10.0.0.0/8 and fd00::/8.
  const see = await asker(t, { trustProxy: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] })
  const table: [why: string, headers: Headers, seen: Seen][] = [
    ['no proxy has said anything', {}, ['127.0.0.1', 'http', 'a.test']],
    ['one proxy', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'b.test:8443' }, ['192.0.2.1', 'https', 'b.test:8443']],
    ['two proxies', { 'x-forwarded-for': '192.0.2.1, 10.1.2.3' }, ['192.0.2.1', 'http', 'a.test']],
    ['the client has put somebody before itself', { 'x-forwarded-for': '203.0.113.9, 192.0.2.1, 10.1.2.3' }, ['192.0.2.1', 'http', 'a.test']],
    ['the client claims to be a proxy', { 'x-forwarded-for': '203.0.113.9, 10.6.6.6, 192.0.2.1' }, ['192.0.2.1', 'http', 'a.test']],
    ['all are proxies: the first one asks for itself', { 'x-forwarded-for': '10.0.0.1, 10.0.0.2' }, ['10.0.0.1', 'http', 'a.test']],
    ['in several lines', { 'x-forwarded-for': ['203.0.113.9', '192.0.2.1', '10.0.0.2'] }, ['192.0.2.1', 'http', 'a.test']],
    ['IPv6', { 'x-forwarded-for': '2001:db8::1, fd00::7' }, ['2001:db8::1', 'http', 'a.test']],
    ['IPv4 within IPv6', { 'x-forwarded-for': '::ffff:192.0.2.1, ::ffff:10.0.0.2' }, ['192.0.2.1', 'http', 'a.test']],
    ['with a port', { 'x-forwarded-for': '192.0.2.1:4711, 10.0.0.2:80' }, ['192.0.2.1', 'http', 'a.test']],
    ['in brackets, with a port', { 'x-forwarded-for': '[2001:db8::1]:4711, [fd00::7]' }, ['2001:db8::1', 'http', 'a.test']],
    ['with a zone', { 'x-forwarded-for': 'fe80::1%eth0' }, ['fe80::1', 'http', 'a.test']],
    ['what is no address', { 'x-forwarded-for': 'localhost' }, ['127.0.0.1', 'http', 'a.test']],
    ['nor this', { 'x-forwarded-for': '192.0.2.1, <script>, 10.0.0.2' }, ['10.0.0.2', 'http', 'a.test']],
    ['nor this', { 'x-forwarded-for': '192.0.2.300' }, ['127.0.0.1', 'http', 'a.test']],
    ['nor this', { 'x-forwarded-for': '192.0.2.1,' }, ['127.0.0.1', 'http', 'a.test']],
    ['nor this', { 'x-forwarded-for': ',,,,' }, ['127.0.0.1', 'http', 'a.test']],
    ['a protocol of its own', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'gopher' }, ['192.0.2.1', 'http', 'a.test']],
    ['a protocol without an address', { 'x-forwarded-proto': 'https' }, ['127.0.0.1', 'https', 'a.test']],
    ['hosts that are none', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'a.test/../b' }, ['192.0.2.1', 'http', 'a.test']],
    ['nor this', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'a@b' }, ['192.0.2.1', 'http', 'a.test']],
    ['a host in IPv6', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': '[2001:db8::2]:80' }, ['192.0.2.1', 'http', '[2001:db8::2]:80']],
    ['lists as long as that of addresses: what was said of the client',
      { 'x-forwarded-for': '203.0.113.9, 192.0.2.1, 10.0.0.2', 'x-forwarded-proto': 'http, https, http', 'x-forwarded-host': 'x.test, y.test, z.test' },
      ['192.0.2.1', 'https', 'y.test']],
    ['lists of another length: what the nearest proxy says',
      { 'x-forwarded-for': '192.0.2.1, 10.0.0.2', 'x-forwarded-proto': 'https, https, http', 'x-forwarded-host': 'evil.test, evil.test, b.test' },
      ['192.0.2.1', 'http', 'b.test']],
    ['Forwarded is not looked at', { forwarded: 'for=192.0.2.1;proto=https;host=evil.test' }, ['127.0.0.1', 'http', 'a.test']],
  ]
  for (const [why, headers, seen] of table) t.strictSame(await see(headers), seen, `${why}: ${JSON.stringify(headers)}`)
})

t.test('only those headers are read that the proxies are said to set', async t => {
  const see = await asker(t, { trustProxy: ['loopback'], proxyHeaders: ['x-forwarded-for'] })
  t.strictSame(await see(CLAIMS), ['192.0.2.1', 'http', 'a.test'])
  const protocolAlone = await asker(t, { trustProxy: ['loopback'], proxyHeaders: ['x-forwarded-proto'] })
  t.strictSame(await protocolAlone(CLAIMS), ['127.0.0.1', 'https', 'a.test'])
})

t.test('Forwarded: what a row of trusted proxies says', async t => {
  const see = await asker(t, { trustProxy: ['127.0.0.1', '10.0.0.0/8'], proxyHeaders: ['forwarded'] })
  const none: Seen = ['127.0.0.1', 'http', 'a.test']
  const table: [why: string, forwarded: string | string[], seen: Seen][] = [
    ['one proxy', 'for=192.0.2.1;proto=https;host=b.test', ['192.0.2.1', 'https', 'b.test']],
    ['names in any case and order', 'Proto=https;HOST=b.test;For=192.0.2.1;by=10.0.0.1', ['192.0.2.1', 'https', 'b.test']],
    ['white space', ' for=192.0.2.1 ; proto=https , for=10.0.0.2', ['192.0.2.1', 'https', 'a.test']],
    ['quoted', 'for="[2001:db8::1]:4711";host="b.test:80"', ['2001:db8::1', 'http', 'b.test:80']],
    ['with escapes', 'for="192.0.2.\\1"', ['192.0.2.1', 'http', 'a.test']],
    ['what each says belongs to its own hop', 'for=192.0.2.1;proto=https;host=b.test, for=10.0.0.2;proto=http;host=c.test', ['192.0.2.1', 'https', 'b.test']],
    ['all are proxies: the first one asks for itself', 'for=10.0.0.1, for=10.0.0.2', ['10.0.0.1', 'http', 'a.test']],
    ['the client has put somebody before itself', 'for=203.0.113.9;host=evil.test, for=192.0.2.1, for=10.0.0.2', ['192.0.2.1', 'http', 'a.test']],
    ['in several lines', ['for=203.0.113.9', 'for=192.0.2.1'], ['192.0.2.1', 'http', 'a.test']],
    ['a quotation mark that the client has left open', 'for="203.0.113.9, for="192.0.2.1";proto=http', ['192.0.2.1', 'http', 'a.test']],
    ['another', '", for="192.0.2.1";host="b.test"', ['192.0.2.1', 'http', 'b.test']],
    ['one with a comma in it', 'for="203.0.113.9, 203.0.113.8", for=192.0.2.1', ['192.0.2.1', 'http', 'a.test']],
    ['an escaped one', 'for=\\", for="192.0.2.1"', ['192.0.2.1', 'http', 'a.test']],
    ['the proxy will not say who', 'for=unknown;proto=https', ['127.0.0.1', 'https', 'a.test']],
    ['nor by which name it is known', 'for=203.0.113.9, for=_hidden, for=10.0.0.2', ['10.0.0.2', 'http', 'a.test']],
    ['nor anything', '', none],
    ['broken', 'for', none],
    ['broken', 'for=', none],
    ['broken', 'for="', none],
    ['broken', 'for=192.0.2.1 proto=https', none],
    ['broken', 'for="192.0.2.1"x', none],
    ['broken', '=192.0.2.1', none],
    ['broken', ',', none],
    ['names of a prototype', '__proto__=a;constructor=b;for=192.0.2.1', ['192.0.2.1', 'http', 'a.test']],
  ]
  for (const [why, forwarded, seen] of table) t.strictSame(await see({ forwarded }), seen, `${why}: ${forwarded}`)
  t.strictSame(await see({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }), none, 'the others are not looked at')
})

t.test('a long header is taken apart in time that grows with its length alone', async t => {
  const see = await asker(t, { trustProxy: ['loopback'], proxyHeaders: ['forwarded'], nodeOptions: { maxHeaderSize: 1 << 20 } })
  for (const piece of ['"', '\\', 'for=', ' ', '\\"', ';', ',', 'a=b;', 'for=127.0.0.1,', 'a="', '" ']) {
    const forwarded = piece.repeat(400_000 / piece.length)
    t.equal((await see({ forwarded }))[0], '127.0.0.1', piece)
  }
})

t.test('a number says how many proxies there are in a row', async t => {
  const row = { 'x-forwarded-for': '203.0.113.9, 192.0.2.1, 198.51.100.2' }
  for (const [trustProxy, ip] of [[1, '198.51.100.2'], [2, '192.0.2.1'], [3, '203.0.113.9'], [4, '203.0.113.9']] as const) {
    const see = await asker(t, { trustProxy })
    t.equal((await see(row))[0], ip, String(trustProxy))
  }
})

t.test('names stand for networks', async t => {
  const see = await asker(t, { trustProxy: ['loopback', 'private'] })
  for (const proxy of ['127.9.9.9', '::1', '10.1.1.1', '172.16.0.1', '192.168.1.1', '169.254.1.1', 'fd12::1', 'fe80::1']) {
    t.equal((await see({ 'x-forwarded-for': '192.0.2.1, ' + proxy }))[0], '192.0.2.1', proxy)
  }
  for (const other of ['172.15.0.1', '172.32.0.1', '11.0.0.1', '2001:db8::1', '192.169.0.1']) {
    t.equal((await see({ 'x-forwarded-for': '192.0.2.1, ' + other }))[0], other, other)
  }
})

t.test('any number of addresses is told apart', async t => {
  const see = await asker(t, { trustProxy: ['loopback', '10.0.0.0/8'] })
  // (More than are remembered.)
  const proxies = Array.from({ length: 1200 }, (_, ix) => `10.0.${ix >> 8}.${ix & 255}`)
  for (const client of ['192.0.2.1', '11.0.0.1']) {
    t.equal((await see({ 'x-forwarded-for': [client, ...proxies].join() }))[0], client)
  }
})

t.test('a proxy at a unix socket is trusted by that name', onPosix, async t => {
  for (const [trustProxy, ip] of [[undefined, null], [['loopback'], null], [['unix'], '192.0.2.1']] as const) {
    const socketPath = path.join(os.tmpdir(), `microrest-test-${process.pid}.sock`)
    const { close } = await start(t, app, { path: socketPath, trustProxy })
    t.equal((await ask({ socketPath }, { 'x-forwarded-for': '203.0.113.9, 192.0.2.1' }))[0], ip)
    await close(0)
  }
})

t.test('a step may set what the client is taken to be', async t => {
  const { port } = await start(t, rest((req) => {
    const before = req.ip
    req.ip = '192.0.2.7'
    req.protocol = 'https'
    req.host = 'b.test'
    return [before, req.ip, req.protocol, req.host]
  }))
  t.strictSame(await ask({ port }, {}), ['127.0.0.1', '192.0.2.7', 'https', 'b.test'])
})
