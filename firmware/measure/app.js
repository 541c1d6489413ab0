// The app that is measured with the whole Router: 30 routes, such as a device has. In ES5, for every engine.
//
// workload.c knows what each of its requests has to be answered with. app.nano.js gives the same answers.

(function () {
  'use strict'
  var HttpError = microrest.HttpError
  var mw = microrest.mw
  var app = microrest({ router: new microrest.Router() })

  var config = { net: { host: 'device', mode: 'dhcp' }, mqtt: { host: 'broker', port: 1883 } }
  var leds = { '1': { on: false }, '2': { on: true } }
  var offsets = {}
  var log = []
  var alarms = 0

  function jsonOf(req) {
    try {
      return JSON.parse(String(req.body))
    } catch (_err) {
      throw new HttpError(400, 'the body must be JSON')
    }
  }

  function sectionOf(req) {
    var section = config[req.params.section]
    if (!section) throw new HttpError(404, 'no section ' + req.params.section)
    return section
  }

  function ledOf(req) {
    var led = leds[req.params.id]
    if (!led) throw new HttpError(404, 'no led ' + req.params.id)
    return led
  }

  function created(res, value) {
    res.statusCode = 201
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(value))
  }

  function noContent(res) {
    res.statusCode = 204
    res.end()
  }

  app.use('pre', mw.mwParseQuery)

  app.use(function (req, res, next) {
    res.setHeader('x-device', 'a1')
    next()
  })

  app.use('err', function (err, req, res, next) {
    res.setHeader('cache-control', 'no-store')
    next(err)
  })

  app.get('/', function (req) { return 'a device' })
  app.get('/status', function (req) { return { ok: true, leds: 2 } })
  app.get('/time', function (req) { return undefinedClock.now() })

  app.get('/sensors', function (req) { return { unit: req.query.unit || 'C', ids: [1, 2, 3] } })
  app.get('/sensors/:id', function (req) { return { id: req.params.id, value: 21 } })
  app.put('/sensors/:id', function (req) {
    offsets.last = jsonOf(req).offset
    return { id: req.params.id, offset: offsets.last }
  })
  app.get('/sensors/:id/history/:day', function (req) { return { id: req.params.id, day: req.params.day, values: [20, 21, 22] } })
  app.get('/sensors/:id/alarms', function (req) { return { count: alarms } })
  app.post('/sensors/:id/alarms', function (req, res) {
    alarms++
    created(res, { id: req.params.id, above: jsonOf(req).above })
  })
  app.del('/sensors/:id/alarms/:alarm', function (req, res) {
    alarms--
    noContent(res)
  })

  app.get('/leds', function (req) { return leds })
  app.get('/leds/:id', function (req) { return ledOf(req) })
  app.put('/leds/:id', function (req) {
    var led = ledOf(req)
    led.on = jsonOf(req).on
    return led
  })
  app.post('/leds/:id/blink', function (req) {
    var led = ledOf(req)
    return Promise.resolve().then(function () { return { blinked: led.on } })
  })

  app.get('/relays', function (req) { return [0, 1] })
  app.get('/relays/:id', function (req) { return { id: req.params.id, closed: false } })
  app.put('/relays/:id', function (req) { return { id: req.params.id, closed: jsonOf(req).closed } })

  app.get('/config', function (req) { return config })
  app.get('/config/:section', function (req) { return sectionOf(req) })
  app.get('/config/:section/:key', function (req) { return { value: sectionOf(req)[req.params.key] } })
  app.put('/config/:section/:key', function (req, res) {
    sectionOf(req)[req.params.key] = jsonOf(req).value
    noContent(res)
  })
  app.del('/config/:section/:key', function (req, res) {
    delete sectionOf(req)[req.params.key]
    noContent(res)
  })

  app.get('/files/:*path', function (req) { return req.params.path })

  app.get('/log', function (req) { return log })
  app.post('/log', function (req, res) {
    log.push(String(req.body))
    if (log.length > 4) log.shift()
    created(res, { lines: log.length })
  })

  app.get('/network', function (req) { return config.net })
  app.put('/network', function (req) { return (config.net = jsonOf(req)) })
  app.post('/login', function (req) { throw new HttpError(401, 'wrong password') })
  app.get('/update', function (req, res, next) {
    Promise.resolve().then(function () { next() })
  }, function (req) {
    return Promise.resolve({ version: '1.0.1' })
  })
  app.post('/update', function (req, res) { created(res, { bytes: req.body.length }) })

  serve(app)
})()
