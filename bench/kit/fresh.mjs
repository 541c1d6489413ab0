// Strings as a server has them: cut from what it has received, in no table of strings and without a hash. And the collector, for a bench
// that makes things before the clock starts.

import v8 from 'node:v8'
import vm from 'node:vm'

/** How many are made at a time: so few that they are still in the processor's caches when they are used. */
export const FRESH = 2000

/** The collector, which Node hides: of all that is there, or of what is young. @type {(options?: { type: 'minor' }) => void} */
export const collect = (() => {
  v8.setFlagsFromString('--expose-gc')
  return vm.runInNewContext('gc')
})()

/** A string in one piece, and of its own. @param {string} text */
export const flat = (text) => Buffer.from(text, 'latin1').toString('latin1')

/** Makes the same texts into new strings, again and again. */
export class FreshStrings {
  #at = 0
  #offset = 0

  /** @param {string[]} texts as many as there should be before one comes again; at least `FRESH` */
  constructor(texts) {
    // (One buffer, so that the strings come to lie side by side: with other objects between them they are slow to reach.)
    this.bytes = Buffer.from(texts.join(''), 'latin1')
    this.lengths = texts.map((text) => text.length)
  }

  /**
   * The next strings, and the index of the first one among the texts. Makes room before: what a timed loop allocates then does not have to
   * be collected in its midst.
   *
   * @param {number} count no more than `FRESH`
   */
  take(count) {
    collect({ type: 'minor' })
    if (this.#at + count > this.lengths.length) this.#at = this.#offset = 0
    const first = this.#at
    const strings = new Array(count)
    for (let ix = 0; ix < count; ix++) {
      const end = this.#offset + this.lengths[this.#at++]
      strings[ix] = this.bytes.toString('latin1', this.#offset, end)
      this.#offset = end
    }
    return { first, strings }
  }
}
