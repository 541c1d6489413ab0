// The demo of `npm start`, as it is, on the C host: `make run`.

/* global serve */

import { app } from '../examples/app.js'
import { handle } from '../dist/hosts/embed.js'

serve(app, handle)
