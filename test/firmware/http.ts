// The HTTP parser of the firmware, firmware/src/http.c, through a small program that feeds it as a server does (firmware/test/http_test.c).
// All that is fed is fed whole, in any two pieces and byte by byte: what comes out must not depend on it.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { corpus } from '../fixtures/corpora.ts'
import {
  ACCEPTED, CHUNKED, CHUNK_REFUSALS, GUNICORN_DIFFERENCES, HOSTS, HOST_REFUSALS, LINE_REFUSALS, LLHTTP_DIFFERENCES, OTHER_REFUSALS, SMUGGLING,
} from '../fixtures/firmware/http-cases.ts'
import type { Refusal, Taken } from '../fixtures/firmware/http-cases.ts'

interface Seen {
  requests: Required<Taken>[]
  /** Of the refusal, or 0. */
  status: number
  /** What the parser waits for; 'closed' after a refusal and after a request that does not keep the connection. */
  reading: 'nothing' | 'line' | 'head' | 'body' | 'closed'
}

interface Answer {
  seen: Seen
  /** After how many single bytes the connection was closed, or all of them. */
  fed: number
  /** How another cut gave another result. */
  different?: string
}

const firmware = (path: string) => fileURLToPath(new URL('../../firmware/' + path, import.meta.url))

const SIZE = 2048
const LARGE_SIZE = 65536
const LIMIT = 1000

/** Compiles the program, with the sanitizers if they are there; the reason if it cannot. */
function compile(folder: string, flags: string[]): { program: string; skip: false } | { program: ''; skip: string } {
  const program = folder + '/http_test'
  const attempts = [['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'], []]
  for (const compiler of [process.env.CC || 'cc', 'gcc', 'clang']) {
    if (spawnSync(compiler, ['--version']).error) continue
    for (const sanitizers of attempts) {
      const args = [
        '-std=c11', '-O2', '-g', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror', ...flags, ...sanitizers,
        '-o', program, firmware('test/http_test.c'), firmware('src/http.c'),
      ]
      const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' })
      if (status === 0 && spawnSync(program, { input: '' }).status === 0) return { program, skip: false }
      // What the compiler says about our own sources is no reason to skip.
      if (/http(_test)?\.[ch]:\d+|feed\.h:\d+/.test(stderr)) throw new Error(stderr)
    }
  }
  return { program: '', skip: `no C compiler that makes a program here (${['cc', ...flags].join(' ')})` }
}

const hex = (raw: string) => Buffer.from(raw, 'latin1').toString('hex') || '-'

for (const flags of [[], ['-m32']]) {
  const { program, skip } = compile(t.testdir({ '': {} }), flags)

  /** What the program answers to questions. It stops at the first promise that the parser breaks, or when a sanitizer finds something. */
  function ask<T>(questions: string[]): T[] {
    if (questions.length === 0) return []
    const input = questions.join('\n') + '\n'
    const { status, stdout, stderr, error } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 })
    if (error || status !== 0) throw error || new Error(stderr)
    return stdout.trim().split('\n').map((line) => JSON.parse(line) as T)
  }

  const feed = (raws: string[], size = SIZE, limit = LIMIT) => ask<Answer>(raws.map((raw) => `feed ${size} ${limit} ${hex(raw)}`))

  t.test(['the parser', ...flags].join(' '), { skip }, async t => {
    function refuses(name: string, rows: Refusal[]): void {
      t.test('refuses ' + name, async t => {
        const answers = feed(rows.map(([, , raw]) => raw.replace('◂', '')))
        for (const [ix, [status, rule, raw]] of rows.entries()) {
          const { seen, fed, different } = answers[ix]!
          const found = { status: seen.status, after: raw.replace('◂', '').slice(0, fed), different }
          t.same(found, { status, after: raw.split('◂')[0], different: undefined }, rule)
          t.notOk(seen.requests.some((request) => request.complete), 'and hands nothing on: ' + rule)
        }
      })
    }

    refuses('what two servers could read differently', SMUGGLING)
    refuses('chunks that are not exactly framed', CHUNK_REFUSALS)
    refuses('request lines that are none', LINE_REFUSALS)
    refuses('what is not exactly one host', HOST_REFUSALS)
    refuses('what it cannot do, or not hold', OTHER_REFUSALS)

    t.test('takes what is right', async t => {
      const answers = feed(ACCEPTED.map(([, raw]) => raw))
      for (const [ix, [rule, , requests]] of ACCEPTED.entries()) {
        const { seen, different } = answers[ix]!
        t.match({ requests: seen.requests, status: seen.status, different }, { requests, status: 0, different: undefined }, rule)
        t.equal(seen.requests.length, requests.length, rule)
      }
    })

    t.test('takes the hosts of RFC 3986, 3.2.2, as Host, in a URL and of CONNECT', async t => {
      const check = (raws: string[], expected: Taken[]) => {
        const answers = feed(raws)
        for (const [ix, raw] of raws.entries()) t.match(answers[ix]!.seen, { status: 0, requests: [expected[ix]!] }, JSON.stringify(raw))
      }
      const fields = (hosts: string[]) => hosts.map((host): Taken => ({ fields: [['Host', host]] }))
      check(HOSTS.map((host) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), fields(HOSTS))
      // Elsewhere the host may not be empty, nor the port of CONNECT.
      const named = HOSTS.filter((host) => /^[^:]/.test(host))
      check(named.map((host) => `GET http://${host}/ HTTP/1.1\r\nHost: z\r\n\r\n`), fields(named))
      const ports = named.map((host) => host.replace(/:\d*$/, '') + ':1')
      check(ports.map((target) => `CONNECT ${target} HTTP/1.1\r\nHost: z\r\n\r\n`), ports.map((target): Taken => ({ target })))
    })

    t.test('takes the content out of chunks', async t => {
      const after = 'GET /after HTTP/1.1\r\nHost: a\r\n\r\n'
      const answers = feed(CHUNKED.map(([, raw]) => raw + after))
      for (const [ix, [rule, , body]] of CHUNKED.entries()) {
        const { seen, different } = answers[ix]!
        t.match({ ...seen, different }, {
          requests: [{ chunked: true, body, complete: true }, { target: '/after', complete: true }], status: 0, different: undefined,
        }, rule)
      }
    })

    t.test('knows what it waits for', async t => {
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
      const rows: [raw: string, reading: Seen['reading']][] = [
        ['', 'nothing'], ['\r', 'nothing'], ['\r\n', 'nothing'],
        ['G', 'line'], ['\r\nGET / HTTP/1.1\r', 'line'], ['GET / HTTP/1.1\r\n', 'head'], [head.slice(0, -1), 'head'],
        [head, 'body'], [head + '0\r\n\r', 'body'], [head + '0\r\n\r\n', 'nothing'], [head + '0\r\n\r\nG', 'line'],
      ]
      const answers = feed(rows.map(([raw]) => raw))
      for (const [ix, [raw, reading]] of rows.entries()) t.match(answers[ix], { seen: { status: 0, reading } }, JSON.stringify(raw))
    })

    t.test('has offsets of 16 bits, and refuses a head beyond them', async t => {
      const head = (len: number) => {
        const [start, end] = ['GET / HTTP/1.1\r\nHost: a\r\nA: ', '\r\nZ: z\r\n\r\n']
        return start + 'a'.repeat(len - start.length - end.length) + end
      }
      // In halves and byte by byte would take minutes here, for nothing.
      const cut = (raw: string) => ask<Answer>([`cut 100000 ${LIMIT} ${hex(raw)} 1000 60000 4534 1`])[0]
      t.match(cut(head(65535)), { seen: { status: 0, requests: [{ complete: true }] } })
      t.match(cut(head(65536)), { seen: { status: 431, requests: [] }, fed: 65535 })
      t.match(cut('GET /' + 'a'.repeat(70000)), { seen: { status: 414, requests: [] }, fed: 65535 })
    })

    t.test('takes a body of any length, and lets nothing wrap around', async t => {
      const most = '9223372036854775807'
      const head = 'POST / HTTP/1.1\r\nHost: a\r\n'
      const [sized, wide, over] = ask<Answer>([
        `cut ${SIZE} ${most} ${hex(`${head}Content-Length: ${most}\r\n\r\nabc`)}`,
        `cut ${SIZE} ${most} ${hex(head + 'Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc')}`,
        `cut ${SIZE} ${most} ${hex(head + 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n7fffffffffffffff\r\nabc')} 1 1`,
      ])
      t.match(sized, { seen: { status: 0, reading: 'body', requests: [{ body: 'abc', complete: false }] } })
      t.match(wide, { seen: { status: 0, reading: 'body', requests: [{ body: 'abc', complete: false }] } })
      t.match(over, { seen: { status: 413, requests: [{ body: 'a', complete: false }] } })
    })

    t.test('reads what was meant, for random requests in random pieces', async t => {
      const word = fc.stringMatching(/^[a-z0-9-]{1,9}$/)
      const value = fc.stringMatching(/^([!-~\x80-\xff]([!-~\x80-\xff \t]{0,9}[!-~\x80-\xff])?)?$/)
      const field = fc.tuple(word.filter((name) => !/^(connection|content-length|expect|host|transfer-encoding)$/.test(name)), value)
      const space = fc.constantFrom('', ' ', '\t', '  ')
      const bytes = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), maxLength: 30 })
      const quoted = value.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`)
      const extension = fc.tuple(space, word, space, fc.option(fc.oneof(word, quoted)))
        .map(([before, name, around, is]) => `${before};${before}${name}` + (is === null ? '' : `${around}=${around}${is}`))
      const chunk = fc.tuple(bytes.filter((text) => text !== ''), fc.array(extension, { maxLength: 2 }))
      const body = fc.oneof(fc.constant(null), bytes, fc.tuple(fc.array(chunk, { maxLength: 4 }), fc.array(field, { maxLength: 2 })))
      const request = fc.record({ method: word, path: word, fields: fc.array(fc.tuple(field, space, space), { maxLength: 6 }), body })

      const write = ({ method, path, fields, body }: typeof request extends fc.Arbitrary<infer R> ? R : never) => {
        const lines = fields.map(([[name, value], before, after]) => name + ':' + before + value + after)
        lines.unshift(`${method} /${path} HTTP/1.1`, 'Host: a')
        if (body === null) return [...lines, '', ''].join('\r\n')
        if (typeof body === 'string') return [...lines, 'content-length: ' + body.length, '', body].join('\r\n')
        const [chunks, trailers] = body
        const parts = chunks.flatMap(([text, extensions]) => [text.length.toString(16) + extensions.join(''), text])
        return [...lines, 'transfer-encoding: chunked', '', ...parts, '0', ...trailers.map((pair) => pair.join(': ')), '', ''].join('\r\n')
      }
      const pieces = fc.array(fc.integer({ min: 1, max: 60 }))
      const sample = fc.sample(fc.tuple(fc.array(request, { minLength: 1, maxLength: 3 }), pieces), 1000)
      const answers = ask<Answer>(sample.map(([requests, pieces]) =>
        ['cut', SIZE, LIMIT, hex(requests.map(write).join('')), ...pieces].join(' ')))
      for (const [ix, [requests]] of sample.entries()) {
        const { seen } = answers[ix]!
        const framing = /^(host|content-length|transfer-encoding)$/i
        const found = seen.requests.map(({ method, target, complete, fields, body }) =>
          ({ method, target, complete, fields: fields.filter(([name]) => !framing.test(name)), body }))
        const expected = requests.map(({ method, path, fields, body }) => ({
          method, target: '/' + path, complete: true, fields: fields.map(([pair]) => pair),
          body: body === null ? '' : typeof body === 'string' ? body : body[0].map(([text]) => text).join(''),
        }))
        if (seen.status !== 0 || JSON.stringify(found) !== JSON.stringify(expected)) {
          t.same({ found, status: seen.status }, { found: expected, status: 0 }, requests.map(write).join(''))
        }
      }
      t.equal(answers.length, sample.length, 'each is answered, and those that are answered otherwise are shown')
    })

    t.test('says what may go out as a field', async t => {
      const rows: [text: string, name: 0 | 1, value: 0 | 1][] = [
        ['', 0, 1], ['x-a', 1, 1], ['a b', 0, 1], ['a:', 0, 1], ['a\tb\x80\xff', 0, 1],
        ['\x7f', 0, 0], ['a\r\nb', 0, 0], ['a\n', 0, 0], ['a\0', 0, 0], ['\0', 0, 0],
      ]
      t.same(ask(rows.map(([text]) => 'text ' + hex(text))), rows.map(([, name, value]) => ({ name, value })))
      const names: [text: string, name: string, same: 0 | 1][] = [
        ['Host', 'host', 1], ['HOST', 'host', 1],
        ['hos', 'host', 0], ['hosts', 'host', 0], ['', 'host', 0], ['h\0st', 'host', 0], ['host\0', 'host', 0],
        // Letters differ by a bit that other characters differ by too.
        ['a[', 'a{', 0], ['a\rb', 'a-b', 0],
      ]
      t.same(ask(names.map(([text, name]) => `name ${hex(text)} ${name}`)), names.map(([, , same]) => ({ same })))
    })

    t.test('writes status lines, where there is room', async t => {
      t.same(ask(['status 200 17', 'status 200 16', 'status 299 15', 'status 404 99', 'status 99 99', 'status 1000 99', 'status 431 0']), [
        { line: 'HTTP/1.1 200 OK\r\n', reason: 'OK' }, { line: '', reason: 'OK' }, { line: 'HTTP/1.1 299 \r\n', reason: '' },
        { line: 'HTTP/1.1 404 Not Found\r\n', reason: 'Not Found' }, { line: '', reason: '' }, { line: '', reason: '' },
        { line: '', reason: 'Request Header Fields Too Large' },
      ])
    })

    // ---------------------------------------------------------------------------------------------------- the public tables

    /** A Host for each request of HTTP/1.1 that has none. (What follows HTTP/1.0 in these tables is mostly a body.) */
    function addHosts(raw: string): string {
      if (/^\S+ \S+ HTTP\/1\.0(?!\r\nConnection: Keep-Alive)/.test(raw)) return raw
      return raw.replace(/^(\S+ [^\r\n]+ HTTP\/1\.1\r\n)(?!(?:[^\r\n]+\r\n)*host *:)/gim, '$1Host: a\r\n')
    }

    interface Row {
      name: string
      raw: string
      needsConfig?: unknown
    }

    /** Whether each row that is not listed, and none that is, is read as its table says. */
    function agrees<R extends Row>(
      t: Test, rows: R[], same: (row: R, seen: Seen) => boolean, differences: { [name: string]: string }, sizeOf: (row: R) => number,
    ): void {
      for (const size of [SIZE, LARGE_SIZE]) {
        const sized = rows.filter((row) => sizeOf(row) === size)
        const answers = feed(sized.map((row) => addHosts(row.raw)), size, LARGE_SIZE)
        for (const [ix, row] of sized.entries()) {
          const { seen, different } = answers[ix]!
          const why = differences[row.name]
          t.equal(different, undefined, row.name + ': the same in any pieces')
          t.equal(same(row, seen), !why, row.name + (why ? ': otherwise, as ' + why : ''))
        }
      }
      const names = rows.map((row) => row.name)
      t.same(Object.keys(differences).filter((name) => !names.includes(name)), [], 'each difference is of a row')

      const hostless = rows.filter((row) => /^(\r\n)*\S+ \/\S* HTTP\/1\.1\r\n(?!([^\r\n]+\r\n)*host *:)/i.test(row.raw))
      const answers = feed(hostless.map((row) => row.raw))
      for (const [ix, row] of hostless.entries()) t.same(answers[ix]!.seen.requests, [], row.name + ': as it is, not without a Host')
    }

    interface LlhttpRow extends Row {
      complete: number
      error: string | null
    }

    const llhttp = corpus<LlhttpRow>('http1-llhttp')
    t.test('agrees with llhttp, but where RFC 9112 does not', { skip: llhttp.skip }, async t => {
      agrees(t, llhttp.rows, ({ complete, error }, seen) => {
        const done = seen.requests.filter((request) => request.complete).length
        // A pause at an upgrade, and a complaint about what is sent after `close`, are not about the message.
        if (error && /^(Pause on|Data after)/.test(error)) return done >= complete
        return done === complete && (seen.status > 0) === (error !== null)
      }, LLHTTP_DIFFERENCES, () => SIZE)
    })

    interface GunicornRow extends Row {
      valid: boolean
      requests?: { method: string; uri: string; body: string }[]
    }

    const gunicorn = corpus<GunicornRow>('http1-gunicorn')
    t.test('agrees with gunicorn, but where RFC 9112 does not', { skip: gunicorn.skip }, async t => {
      // What gunicorn does by an option only is no matter of the protocol.
      const rows = gunicorn.rows.filter((row) => !row.needsConfig)
      agrees(t, rows, ({ valid, requests = [] }, seen) => {
        const done = seen.requests.filter((request) => request.complete)
        if (!valid) return seen.status > 0 || done.length === 0
        return seen.status === 0 && requests.every(({ method, uri, body }, ix) =>
          done[ix] && done[ix].method === method && done[ix].target === uri && (done[ix].body === body || !body))
      }, GUNICORN_DIFFERENCES, (row) => row.valid && row.raw.length > SIZE ? LARGE_SIZE : SIZE)
    })
  })
}
