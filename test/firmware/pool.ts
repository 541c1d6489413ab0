// The allocator of the firmware, firmware/src/pool.c, called at random by a small program (firmware/test/pool_test.c).

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Counts {
  size: number
  used: number
  peak: number
  /** How many calls it had no memory for. */
  refused: number
  /** All free memory is in one piece again, in each region. */
  joined: boolean
}

const firmware = (path: string) => fileURLToPath(new URL('../../firmware/' + path, import.meta.url))

/** The program, made by a C compiler, with the sanitizers if they are there; the reason if it cannot be made. */
function compile(folder: string, flags: string[]): { program: string; skip: false } | { program: ''; skip: string } {
  const program = folder + '/pool_test'
  for (const sanitizers of [['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'], []]) {
    const args = ['-std=c11', '-O1', '-g', '-Wall', '-Wextra', '-Wshadow', '-Werror', ...flags, ...sanitizers, '-o', program]
    const { status, stderr } = spawnSync(process.env.CC || 'cc', [...args, firmware('test/pool_test.c'), firmware('src/pool.c')], { encoding: 'utf8' })
    if (status === 0 && spawnSync(program, ['1', '0']).status === 0) return { program, skip: false }
    // What the compiler says about our own sources is no reason to skip.
    if (/pool(_test)?\.[ch]:\d+/.test(stderr ?? '')) throw new Error(stderr)
  }
  return { program: '', skip: `no C compiler that makes a program here (${['cc', ...flags].join(' ')})` }
}

for (const [name, flags] of [['64-bit', []], ['32-bit', ['-m32']], ['8-byte aligned 32-bit', ['-m32', '-DMR_POOL_ALIGNMENT=8']]] as const) {
  const { program, skip } = compile(t.testdir({ '': {} }), [...flags])

  t.test(`the ${name} pool hands out what is free, keeps what is in it, and joins what comes back`, { skip }, async t => {
    for (const seed of ['1', '2', '3', '4']) {
      const { stdout, stderr } = spawnSync(program, [seed, '200000'], { encoding: 'utf8' })
      t.equal(stderr, '')
      const counts = JSON.parse(stdout) as Counts
      t.match(counts, { used: 0, joined: true })
      t.ok(counts.refused > 0, 'memory has run out at times')
      t.ok(counts.peak > counts.size * 0.9, 'and little was left over then')
    }
  })
}
