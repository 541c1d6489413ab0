// The app that fuzz_connection.c sends raw bytes to: every way of answering, and none that costs time.

var app = microrest({ router: new microrest.Router({ methodNotAllowed: true }) })

app.use('pre', microrest.mw.mwParseQuery)

app.get('/a', function (req) { return 'a' })
app.get('/p/:id', function (req) { return [req.params, req.query, req.headers] })
app.post('/a', function (req, res) { res.end(req.body) })
app.post('/j', function (req) { return JSON.parse(String(req.body)) })
app.get('/n', function () { return new Promise(function () {}) })
app.get('/t', function (req, res) { setTimeout(function () { res.end('t') }, 10) })
app.get('/e', function (req, res) { res.writeHead(204).end() })
app.get('/d', function (req, res) {
  res.write('d')
  res.destroy()
})

// A stream of 20 pieces of 500 bytes, as there is room.
app.get('/s', function (req, res) {
  var left = 20
  function pump() {
    while (left-- > 0) if (!res.write(new Array(501).join('s'))) return
    if (left === -1) res.end()
  }
  res.on('drain', pump)
  pump()
})

serve(app)
