// Draws what is on record in results/: docs/pictures/*.svg, each once for light pages and once for dark ones.
//
//     npm run bench:plot
//     npm run bench:plot -- --from folder --to folder      other records, other pictures

import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { BENCH, ROOT } from './kit/bench.mjs'
import { install } from './kit/install.mjs'

const { values: { from, to } } = parseArgs({
  options: {
    from: { type: 'string', default: path.join(BENCH, 'results') },
    to: { type: 'string', default: path.join(ROOT, 'docs/pictures') },
  },
})

install('devDependencies')
const { drawPictures } = await import('./plot/pictures.mjs')
const pictures = await drawPictures(from)
if (!pictures.size) console.log(`nothing on record in ${from}: npm run bench`)
fs.mkdirSync(to, { recursive: true })
for (const [name, svg] of pictures) {
  fs.writeFileSync(path.join(to, name), svg)
  console.log(`${name}  ${(svg.length / 1000).toFixed(1)} KB`)
}
