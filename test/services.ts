/* The suites against real services (`npm run test:services`), in two lanes beside each other, each of them
 * one file at a time. One begins with the runners, the other with whole set-ups that have the one
 * database of Neo4j to themselves; who is through takes of the rest. What a file says is shown when it
 * has ended, and at the end what took longest. With a word behind, those files alone that have it in
 * their path. */
import './compiled.ts'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'

const root = join(import.meta.dirname, '..')

/** A file that has not ended by then never will: it fails by its name, and the rest goes on. */
const HUNG_MS = 15 * 60_000

interface Ran {
  readonly file: string
  readonly seconds: number
  readonly tests: number
  readonly passed: boolean
}

const ran: Ran[] = []
const [word = ''] = process.argv.slice(2)
const all = globSync('test/**/*.services.ts', { cwd: root }).sort()
const rest = all.filter(file => file.includes(word))
const taken = (is: (file: string) => boolean) => rest.filter(is).map(take)
const isRunner = (file: string) => file.startsWith('test/runners/')
/** Others in Neo4j have labels of their own. */
const isWholeDatabase = (file: string) =>
  file.startsWith('test/e2e/') && readFileSync(join(root, file), 'utf8').includes('neo4j-place')

function take(file: string): string {
  rest.splice(rest.indexOf(file), 1)
  return file
}

async function runFile(file: string): Promise<void> {
  const began = performance.now()
  const result = { tests: 0, passed: false }
  const signal = AbortSignal.timeout(HUNG_MS)
  const events = run({ files: [join(root, file)], cwd: root, concurrency: 1, signal })

  async function* shown(): AsyncIterable<TestEvent> {
    for await (const event of events) {
      if (event.type === 'test:summary') {
        result.tests = event.data.counts.tests
        result.passed = event.data.success
      } else if (event.type !== 'test:diagnostic') yield event
    }
  }
  const said = await Array.fromAsync(Readable.from(shown()).compose(spec))
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(`\n# ${file}: ${result.passed ? 'passed' : 'FAILED'}, ${seconds} s\n${said.join('')}`)
  ran.push({ file, seconds, ...result })
}

async function lane(own: string[]): Promise<void> {
  for (;;) {
    const file = own.shift() ?? rest.shift()
    if (file === undefined) return
    await runFile(file)
  }
}

const began = performance.now()
await Promise.all([lane(taken(isRunner)), lane(taken(isWholeDatabase))])

const minutes = ((performance.now() - began) / 60_000).toFixed(1)
const tests = ran.reduce((sum, one) => sum + one.tests, 0)
const failed = ran.filter(one => !one.passed)
console.log(`\n${tests} tests in ${ran.length} files, ${minutes} minutes; seconds of each file:`)
for (const { file, seconds } of ran.toSorted((a, b) => b.seconds - a.seconds)) {
  console.log(`${String(seconds).padStart(5)}  ${file}`)
}
for (const { file } of failed) console.log(`FAILED ${file}`)
if (failed.length > 0 || ran.length === 0) process.exitCode = 1
