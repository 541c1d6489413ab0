// docs/deploy.md: its programs, its configuration of nginx, and its manifests for Kubernetes. What needs nginx or Redis is skipped
// where there is none.

import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { readiness } from '../../hosts/node.ts'
import { rest, Router } from '../fixtures/core.ts'
import { ROOT } from '../../tools/project.mjs'
import { onPosix, start } from '../fixtures/node/start.ts'
import { runProgram } from './fixtures/example.ts'
import { readBlocks } from './fixtures/markdown.ts'

const blocks = readBlocks('docs/deploy.md')

/** The reason to skip what needs a command; false if there is one. */
function lacks(command: string, flag: string): string | false {
  try {
    execFileSync(command, [flag], { stdio: 'ignore' })
    return false
  } catch {
    return `there is no ${command}`
  }
}

function makeFolder(t: Test): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Run a command until the test is over; resolves when somebody listens on the port. */
async function runServer(t: Test, port: number, command: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => { errors += chunk })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    // (nginx' own processes end if it is asked to, and not if it is killed.)
    child.kill()
    await ended
  })
  while (child.exitCode === null) {
    const socket = net.connect(port, '127.0.0.1')
    const error = await new Promise((resolve) => socket.once('error', resolve).once('connect', () => resolve(undefined)))
    socket.destroy()
    if (!error) return child
  }
  throw new Error(`${command} ended: ${errors}`)
}

// ------------------------------------------------------------------------------------------------- examples/serve.js

t.test('serve.js tells who asks, is alive and ready, and stops by SIGTERM', onPosix, async t => {
  const { url, ended, child } = await runProgram(t, path.join(ROOT, 'examples/serve.js'), {
    PORT: '0', TRUST_PROXY: 'loopback,private', CLOSE_DELAY: '0', GRACE_TIME: '5000',
  })
  t.equal(await (await fetch(url + '/live')).text(), 'alive')
  t.strictSame(await (await fetch(url + '/ready')).json(), { ready: true })
  const seen = await fetch(url + '/whoami', { headers: { 'x-forwarded-for': '192.0.2.1, 10.1.1.1', 'x-forwarded-proto': 'https' } })
  t.match(await seen.json(), { ip: '192.0.2.1', protocol: 'https', process: child.pid })
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})

t.test('serve.js has workers if it is told to', onPosix, async t => {
  const { url, ended, child } = await runProgram(t, path.join(ROOT, 'examples/serve.js'), { PORT: '0', WORKERS: '2' })
  const { process: worker } = await (await fetch(url + '/whoami')).json() as { process: number }
  t.not(worker, child.pid)
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})

// ---------------------------------------------------------------------------------------------------------- nginx

t.test('behind nginx', { skip: lacks('nginx', '-v') }, async t => {
  /** Run nginx with the configuration of the document, in front of these servers. */
  async function runNginx(t: Test, servers: string[]): Promise<string> {
    const folder = makeFolder(t)
    fs.chmodSync(folder, 0o755)
    const port = await freePort()
    const [block] = blocks.filter(({ language }) => language === 'nginx')
    const given = /(?: {4}server 127\.0\.0\.1:808\d( max_fails=0);\n)+/
    const listens = 'listen 80;'
    t.match(block!.code, given)
    t.ok(block!.code.includes(listens))
    const ours = servers.map((server) => `server ${server} max_fails=0;\n`).join('')
    const site = block!.code.replace(given, ours).replace(listens, `listen 127.0.0.1:${port};`)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
    const config = path.join(folder, 'nginx.conf')
    fs.writeFileSync(config, [
      'daemon off;', `pid ${folder}/pid;`, 'error_log stderr error;', 'worker_processes 1;', 'events {}',
      'http {', 'access_log off;', ...temporary, site, '}',
    ].join('\n'))
    await runServer(t, port, 'nginx', '-p', folder, '-c', config)
    return `http://127.0.0.1:${port}`
  }
  const whoami = () => rest((req) => [req.ip, req.protocol, req.host, req.headers.host, req.headers.forwarded ?? null])

  t.test('the app knows its client, whatever the client says of itself', async t => {
    const { port } = await start(t, whoami(), { trustProxy: ['loopback'] })
    const url = await runNginx(t, [`127.0.0.1:${port}`])
    const answer = await fetch(url, {
      headers: {
        'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.test', forwarded: 'for=203.0.113.9',
      },
    })
    // (This client comes from 127.0.0.1, which is a trusted address. So here it is asked for whom it asks, and nothing more.)
    t.strictSame(await answer.json(), ['203.0.113.9', 'http', new URL(url).host, '127.0.0.1', null])

    const one = await start(t, whoami(), { trustProxy: 1 })
    const strict = await runNginx(t, [`127.0.0.1:${one.port}`])
    const seen = await fetch(strict, { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' } })
    t.strictSame(await seen.json(), ['127.0.0.1', 'http', new URL(strict).host, '127.0.0.1', null])
  })

  t.test('by a unix socket', async t => {
    const folder = makeFolder(t)
    fs.chmodSync(folder, 0o755)
    const file = path.join(folder, 'app.sock')
    await start(t, whoami(), { path: file, socketMode: 0o666, trustProxy: ['unix'] })
    const url = await runNginx(t, ['unix:' + file])
    const answer = await fetch(url, { headers: { 'x-forwarded-for': '203.0.113.9' } })
    t.match(await answer.json(), ['127.0.0.1', 'http'])
  })

  t.test('one server after the other is stopped under load, and no client notices', async t => {
    const makeApp = () => rest({ router: new Router() }).get('/ready', readiness()).get('/:name', async (req) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return req.params.name
    })
    const servers = [await start(t, makeApp(), { trustProxy: 1 }), await start(t, makeApp(), { trustProxy: 1 })]
    const [first, second] = servers as [typeof servers[0], typeof servers[0]]
    const url = await runNginx(t, servers.map(({ port }) => '127.0.0.1:' + port))
    const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
    t.teardown(() => agent.destroy())
    const get = (name: string): Promise<string> => new Promise((resolve, reject) => {
      http.get(`${url}/${name}`, { agent }, async (res) => {
        resolve(`${res.statusCode} ${(await res.setEncoding('utf8').toArray()).join('')}`)
      }).on('error', reject)
    })
    const getMany = async (): Promise<void> => {
      const answers = await Promise.all(Array.from({ length: 200 }, (_, ix) => get('name' + ix)))
      t.strictSame(answers.filter((answer, ix) => answer !== `200 name${ix}`), [])
    }
    await getMany()
    const load = getMany()
    t.equal(await first.close(), 0)
    await load
    await getMany()
    const again = await start(t, makeApp(), { trustProxy: 1, port: first.port })
    t.equal(again.port, first.port)
    const more = getMany()
    t.equal(await second.close(), 0)
    await more
  })
})

// ----------------------------------------------------------------------------------------------------- Kubernetes

t.test('the manifests fit the program, and each other', async t => {
  const [block] = blocks.filter(({ language }) => language === 'yaml')
  const documents = parseAllDocuments(block!.code)
  for (const document of documents) t.strictSame([...document.errors, ...document.warnings], [])
  const [deployment, service, budget] = documents.map((document) => document.toJS())
  t.strictSame([deployment.kind, service.kind, budget.kind], ['Deployment', 'Service', 'PodDisruptionBudget'])

  const { template, selector, replicas } = deployment.spec
  const selectors = [selector.matchLabels, service.spec.selector, budget.spec.selector.matchLabels]
  for (const labels of selectors) t.strictSame(labels, template.metadata.labels)
  t.ok(budget.spec.minAvailable < replicas)

  const { terminationGracePeriodSeconds, containers: [container] } = template.spec
  const env = Object.fromEntries(container.env.map(({ name, value }: { name: string; value: string }) => [name, value]))
  t.ok(Object.values(env).every((value) => typeof value == 'string'), 'Kubernetes takes no numbers here')
  // (onClose may take the grace time once more.)
  t.ok(terminationGracePeriodSeconds * 1000 > Number(env.CLOSE_DELAY) + Number(env.GRACE_TIME))
  t.ok(Number(env.CLOSE_DELAY) > container.readinessProbe.periodSeconds * 1000)
  t.equal(container.ports[0].containerPort, Number(env.PORT))
  t.equal(service.spec.ports[0].targetPort, container.ports[0].name)

  const { url } = await runProgram(t, path.join(ROOT, 'examples/serve.js'), { ...env, PORT: '0' })
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const { path, port } = container[probe].httpGet
    t.equal((await fetch(url + path)).status, 200, path)
    t.equal(port, container.ports[0].name)
  }
})

// ---------------------------------------------------------------------------------------------------------- Redis

t.test('sessions in Redis', { skip: lacks('redis-server', '--version') }, async t => {
  const port = await freePort()
  const redis = await runServer(t, port, 'redis-server', ...['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', makeFolder(t)])
  const env = { PORT: '0', REDIS_URL: `redis://127.0.0.1:${port}` }
  const file = path.join(ROOT, 'examples/sessions.js')
  const [one, other] = await Promise.all([runProgram(t, file, env), runProgram(t, file, env)])

  const ask = async (url: string, method = 'GET', cookie = '', body?: string): Promise<[answer: string, cookie: string | null]> => {
    const res = await fetch(url, { method, headers: { cookie }, ...body !== undefined && { body } })
    return [`${res.status} ${await res.text()}`, res.headers.get('set-cookie')]
  }
  let cookie = ''

  t.test('a session that one process has made another one knows', async t => {
    const [answer, header] = await ask(one.url + '/login', 'POST', '', 'Ada')
    t.equal(answer, '200 hello Ada')
    t.match(header, /^sid=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=1800$/)
    cookie = 'theme=dark; ' + header!.split(';')[0]
    for (const { url } of [one, other]) t.strictSame(await ask(url + '/me', 'GET', cookie), ['200 {"name":"Ada"}', null])
  })

  t.test('without one, or with one that is made up, nobody is known', async t => {
    for (const wrong of ['', 'sid=', 'sid=' + 'A'.repeat(43), 'sid=__proto__', cookie.slice(0, -1), cookie + 'A']) {
      t.match(await ask(one.url + '/me', 'GET', wrong), [/^401 /, null], wrong)
    }
    t.match(await ask(one.url + '/login', 'POST', '', '<script>'), [/^400 /, null])
  })

  t.test('who logs in gets a new one', async t => {
    const [, header] = await ask(other.url + '/login', 'POST', cookie, 'Grace')
    t.match(await ask(one.url + '/me', 'GET', cookie), [/^401 /], 'the old one is worth nothing any more')
    cookie = header!.split(';')[0]!
    t.match(await ask(one.url + '/me', 'GET', cookie), ['200 {"name":"Grace"}'])
  })

  t.test('it outlives the process that made it', async t => {
    other.child.kill('SIGTERM')
    t.equal(await other.ended, 0)
    t.match(await ask(one.url + '/me', 'GET', cookie), ['200 {"name":"Grace"}'])
  })

  t.test('it ends when its client logs out', async t => {
    t.match(await ask(one.url + '/logout', 'POST', cookie), ['200 bye', /^sid=; .*Max-Age=0/])
    t.match(await ask(one.url + '/me', 'GET', cookie), [/^401 /])
  })

  t.test('without Redis nothing waits, and nobody is sent here', async t => {
    t.strictSame(await ask(one.url + '/ready'), ['200 {"ready":true}', null])
    redis.kill('SIGKILL')
    await once(redis, 'exit')
    while ((await ask(one.url + '/ready'))[0] !== '503 {"ready":false}') continue
    t.match(await ask(one.url + '/me', 'GET', 'sid=' + 'A'.repeat(43)), [/^500 /])
  })
})
