import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Done, OURS, temporary } from './played-server.ts'

const PROGRAM = join(import.meta.dirname, '..', '..', 'cli', 'quickstart.ts')

function quickstart(home: string, env: NodeJS.ProcessEnv = {}): Promise<Done> {
  const all = { ...OURS, KAOS_DATA: home, ...env }
  return new Promise(resolve => {
    const child = execFile(process.execPath, [PROGRAM], { env: all }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

describe('the quickstart', () => {
  it('goes from nothing to a prediction, twice, and leaves files but no process', async t => {
    const home = temporary(t)

    const first = await quickstart(home)
    const second = await quickstart(home)

    assert.equal(first.code, 0, first.stdout + first.stderr)
    assert.equal(second.code, 0, second.stdout + second.stderr)
    assert.match(first.stdout, /^\{"result": ?\[3\]\}$/m)
    assert.match(first.stdout, /^\$ kaos train get -i 0 -d$/m)
    assert.match(first.stdout, /serve deploy -s templates\/mnist\/model-serve/)
    assert.match(second.stdout, /unchanged: job [0-9a-f]{32}/)
    assert.match(second.stdout, /^\{"result": ?\[3\]\}$/m)
    const drawings = readdirSync(join(home, 'work/mnist/provenance'))
    assert.ok(drawings.some(name => name.startsWith('model-')))
    assert.equal(drawings.filter(name => name.startsWith('serve-mnist-')).length, 2)
    const url = /ready at (\S+)/.exec(second.stdout)?.[1]
    await assert.rejects(fetch(`${url}/healthz`))
    for (const pid of processesNaming(home)) assert.fail(`process ${pid} was left running`)
  })

  it('names the step that failed and the log', async t => {
    const home = temporary(t)

    const done = await quickstart(home, { KAOS_RUNNER: 'nonsense' })

    assert.equal(done.code, 1)
    assert.match(done.stderr, /Error - the quickstart failed at "kaos up".*nonsense/s)
    assert.ok(done.stderr.includes(join(home, 'server.log')))
  })
})

/** Where the system shows its processes as files. */
function processesNaming(text: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return []
  return readdirSync('/proc').filter(name => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text)
    } catch {
      return false // it ended while we looked
    }
  })
}
