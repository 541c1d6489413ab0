// The app of a small device: a sensor to read, a lamp to switch, and how the device is doing. A classic script, run behind
// microrest.es5.js; readSensor, led and stats are functions of main.c.

/* global microrest, serve, readSensor, led, stats */

var MAX_READINGS = 10
var readings = []

function read() {
  readings.push({ at: Date.now(), celsius: readSensor() })
  if (readings.length > MAX_READINGS) readings.shift()
}

read()
setInterval(read, 1000)

var app = microrest({ router: new microrest.Router({ methodNotAllowed: true }) })

app.get('/', function (req) {
  return { sensor: '/sensor', history: '/sensor/history', led: '/led', stats: '/stats' }
})

app.get('/sensor', function (req) {
  return readings[readings.length - 1]
})

app.get('/sensor/history', function (req) {
  return readings
})

app.get('/led', function (req) {
  return { on: led() }
})

// {"on":true}
app.put('/led', function (req) {
  var wanted
  try {
    wanted = JSON.parse(req.body)
  } catch (err) {
    wanted = null
  }
  if (!wanted || typeof wanted.on != 'boolean') throw new microrest.HttpError(400, '{"on":true} or {"on":false}')
  return { on: led(wanted.on) }
})

app.get('/stats', function (req) {
  return stats()
})

serve(app)
