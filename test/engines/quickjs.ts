// The core in Bellard's QuickJS: the whole of its test suite, but for what only Node has, on both builds that a device can take.

import { testEngine } from '../fixtures/engines/run.ts'

testEngine('QuickJS 2025-09-13')
