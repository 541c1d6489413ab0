// The core in QuickJS-ng of the 0.12 line, as in quickjs.ts.

import { testEngine } from '../fixtures/engines/run.ts'

testEngine('QuickJS-ng 0.12')
