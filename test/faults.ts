/* The long forms of the tests that disturb the server, the store and the engines, one after the other:
 * `npm run test:faults`, or with `-- power` only those whose title has that word. At the end stands what
 * each promised, as a table. Those that start engines of their own need root, and the KAOS_TEST_*
 * variables; `npm test` and `npm run test:services` have the short forms. */
import { spawn } from 'node:child_process'
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
  'kill -9 in the middle of builds, trainings and services': {
    env: { KAOS_TEST_ROUNDS: '200' },
    files: ['e2e/faults.test.ts'],
  },
  'Redis, S3 and Neo4j away in the middle of work': {
    env: { KAOS_TEST_ROUNDS: '20', KAOS_TEST_STALL_S: '30' },
    files: ['e2e/away.services.ts', 'server/queue/redis.services.ts'],
  },
  'the Docker Engine away in the middle of builds and trainings': {
    env: { KAOS_TEST_ROUNDS: '20', KAOS_TEST_STALL_S: '30' },
    files: ['e2e/away-docker.services.ts'],
  },
  'collections beside pushers': {
    env: { KAOS_TEST_SECONDS: '25', KAOS_TEST_ACCEPTED: '5000' },
    files: ['e2e/gc.test.ts'],
  },
  'half an hour of pushes, fetches and trainings': {
    env: { KAOS_TEST_SECONDS: '1800' },
    files: ['e2e/load.services.ts'],
  },
  'power loss': {
    env: { KAOS_TEST_ROUNDS: '100' },
    files: ['e2e/power.services.ts', 'store/power-loss.services.ts', 'store/power-loss.test.ts'],
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
  'one server of two killed in the middle of a grid': {
    files: ['e2e/two-servers.services.ts'],
  },
}

interface Ran {
  readonly what: string
  readonly passed: boolean
  /** `name key=value …` */
  readonly promises: readonly string[]
}

/** Shows what the tests say as they say it, and keeps their promises. */
async function run(what: string, { env, files }: Form): Promise<Ran> {
  console.log(`\n# ${what}`)
  const paths = files.map(file => join(import.meta.dirname, file))
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...paths], {
    env: { ...process.env, ...env },
    stdio: ['inherit', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const bytes of child.stdout) {
    process.stdout.write(bytes)
    text += bytes
  }
  const code = child.exitCode ?? (await new Promise(resolve => child.once('exit', resolve)))
  const promises = [...text.matchAll(/^promise (.+)$/gm)].map(([, promise]) => promise!)
  return { what, passed: code === 0, promises }
}

function row({ what, passed, promises }: Ran): string {
  const figures = promises.map(promise => {
    const [name, ...values] = promise.split(' ')
    return `${name}: ${values.join(', ')}`
  })
  return `| ${what} | ${passed ? 'kept' : '**broken**'} | ${figures.join('<br>')} |`
}

const [word = ''] = process.argv.slice(2)
const chosen = Object.entries(LONG).filter(([what]) => what.includes(word))
if (chosen.length === 0) console.error(`no title has "${word}": ${Object.keys(LONG).join('; ')}`)
const ran: Ran[] = []
for (const [what, form] of chosen) ran.push(await run(what, form))
console.log('\n| fault | promise | figures |\n|---|---|---|')
for (const one of ran) console.log(row(one))
process.exitCode = ran.length > 0 && ran.every(one => one.passed) ? 0 : 1
