// Says to tap which files a test has to cover: all sources together, whichever test runs them. What is built or only
// builds is left out, and tests of the built files cover nothing.

import { listEntries } from './project.mjs'

const sources = listEntries()

/** @param {string} test */
export default function coverageMap(test) {
  return test.split(/[\\/]/).includes('dist') ? null : sources
}
