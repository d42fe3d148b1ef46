/* The long forms of the tests that disturb the server and the store, one after the other: `npm run
 * test:faults`, or with `-- power` only those whose title has that word. Power losses need root and loop
 * devices. `npm test` has the short forms of the others. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Form {
  readonly env?: Record<string, string>
  readonly files: readonly string[]
}

const LONG: Record<string, Form> = {
  'kill -9 in the middle of pushes': {
    env: { KAOS_TEST_ROUNDS: '200' },
    files: ['e2e/faults-push.test.ts'],
  },
  'collections beside pushers': {
    env: { KAOS_TEST_SECONDS: '25', KAOS_TEST_ACCEPTED: '5000' },
    files: ['e2e/gc.test.ts'],
  },
  'power loss': {
    env: { KAOS_TEST_ROUNDS: '10' },
    files: ['e2e/power.services.ts', 'store/power-loss.services.ts', 'store/power-loss.test.ts'],
  },
  'half an hour of mixed load': {
    env: { KAOS_TEST_SECONDS: '1800' },
    files: ['e2e/load.services.ts'],
  },
  'flipped bits and segments that go missing': {
    files: ['store/bit-rot.test.ts', 'store/remaking.test.ts', 'server/care/damage.test.ts'],
  },
  'pushes, removals, crashes and collections against a model': {
    env: { KAOS_TEST_RUNS: '60' },
    files: ['server/care/model.test.ts'],
  },
  'servers that share a shelf': {
    env: { KAOS_TEST_SEEDS: '20' },
    files: ['store/shared-chaos.test.ts', 'store/shared-faults.test.ts'],
  },
}

const [word = ''] = process.argv.slice(2)
const chosen = Object.entries(LONG).filter(([what]) => what.includes(word))
if (chosen.length === 0) console.error(`no title has "${word}": ${Object.keys(LONG).join('; ')}`)
let failed = chosen.length === 0 ? 1 : 0
for (const [what, { env, files }] of chosen) {
  console.log(`\n# ${what}`)
  const paths = files.map(file => join(import.meta.dirname, file))
  const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...paths], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  if (status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
