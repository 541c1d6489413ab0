// The app that is measured with the NanoRouter, microrest's smallest: 30 routes, each a prefix. In ES5, for every engine.
//
// A step takes its path apart by itself. The answers are those of app.js, as workload.c wants them.

(function () {
  'use strict'
  var HttpError = microrest.HttpError
  var app = microrest()

  var config = { net: { host: 'device', mode: 'dhcp' }, mqtt: { host: 'broker', port: 1883 } }
  var leds = { '1': { on: false }, '2': { on: true } }
  var log = []
  var alarms = 0

  function jsonOf(req) {
    try {
      return JSON.parse(String(req.body))
    } catch (_err) {
      throw new HttpError(400, 'the body must be JSON')
    }
  }

  function partsOf(req) {
    return req.url.split('?')[0].split('/')
  }

  function sendJson(res, status, value) {
    res.statusCode = status
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(value))
  }

  function noContent(res) {
    res.statusCode = 204
    res.end()
  }

  app.use(function (req, res, next) {
    res.setHeader('x-device', 'a1')
    next()
  })

  app.use('err', function (err, req, res, next) {
    res.setHeader('cache-control', 'no-store')
    next(err)
  })

  app.all('/home', function (req) { return 'a device' })
  app.all('/status', function (req) { return { ok: true, leds: 2 } })
  app.all('/time', function (req) { return undefinedClock.now() })

  app.all('/sensors', function (req, res) {
    var parts = partsOf(req)
    var id = parts[2]
    if (!id) sendJson(res, 200, { unit: req.url.indexOf('unit=F') > 0 ? 'F' : 'C', ids: [1, 2, 3] })
    else if (parts[3] === 'history') sendJson(res, 200, { id: id, day: parts[4], values: [20, 21, 22] })
    else if (parts[3] === 'alarms' && req.method === 'POST') {
      alarms++
      sendJson(res, 201, { id: id, above: jsonOf(req).above })
    } else if (parts[3] === 'alarms' && req.method === 'DELETE') {
      alarms--
      noContent(res)
    } else if (req.method === 'PUT') sendJson(res, 200, { id: id, offset: jsonOf(req).offset })
    else sendJson(res, 200, { id: id, value: 21 })
  })

  function ledOf(req) {
    var led = leds[partsOf(req)[2]]
    if (!led) throw new HttpError(404, 'no led')
    return led
  }

  app.all('/leds', function (req) {
    var led = ledOf(req)
    if (req.method === 'POST') return Promise.resolve().then(function () { return { blinked: led.on } })
    if (req.method === 'PUT') led.on = jsonOf(req).on
    return led
  })

  app.all('/relays/0', function (req) { return { closed: false } })
  app.all('/relays/1', function (req) { return { closed: true } })

  function serveSection(name) {
    app.all('/config/' + name, function (req, res) {
      var key = partsOf(req)[3]
      if (req.method === 'PUT') {
        config[name][key] = jsonOf(req).value
        noContent(res)
      } else sendJson(res, 200, key ? { value: config[name][key] } : config[name])
    })
  }
  serveSection('net')
  serveSection('mqtt')

  app.all('/files', function (req) { return decodeURIComponent(req.url.slice(6)) })

  app.all('/log', function (req, res) {
    log.push(String(req.body))
    if (log.length > 4) log.shift()
    sendJson(res, 201, { lines: log.length })
  })

  app.all('/network', function (req) { return config.net })
  app.all('/login', function (req) { throw new HttpError(401, 'wrong password') })
  app.all('/update', function (req) {
    return Promise.resolve().then(function () { return { version: '1.0.1' } })
  })

  app.all('/pins/0', function (req) { return { pin: 0, level: 0 } })
  app.all('/pins/1', function (req) { return { pin: 1, level: 0 } })
  app.all('/pins/2', function (req) { return { pin: 2, level: 0 } })
  app.all('/pins/3', function (req) { return { pin: 3, level: 0 } })
  app.all('/pins/4', function (req) { return { pin: 4, level: 0 } })
  app.all('/pins/5', function (req) { return { pin: 5, level: 0 } })
  app.all('/pins/6', function (req) { return { pin: 6, level: 0 } })
  app.all('/pins/7', function (req) { return { pin: 7, level: 0 } })
  app.all('/modes/day', function (req) { return 'day' })
  app.all('/modes/night', function (req) { return 'night' })
  app.all('/modes/away', function (req) { return 'away' })
  app.all('/scenes/film', function (req) { return 'film' })
  app.all('/scenes/meal', function (req) { return 'meal' })
  app.all('/scenes/party', function (req) { return 'party' })
  app.all('/reset', function (req, res) { noContent(res) })
  app.all('/version', function (req) { return '1.0.0' })

  serve(app)
})()
