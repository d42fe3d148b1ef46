import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KaosError } from '../../../api/errors.ts'
import type { Runner } from '../../../runners/runner.ts'
import { throughAbsence } from '../../../runners/worker/absence.ts'
import { tick, workerScene } from './scene.ts'

const away = () =>
  new KaosError('RUNNER_UNAVAILABLE', 'no engine answers', { detail: { away: true } })

test('what needs an engine that is away is done when it is back, and the wait is told once', async () => {
  const told: string[] = []
  const waiting = { signal: new AbortController().signal, say: (line: string) => told.push(line) }

  const tries = await throughAbsence(waiting, async tries => {
    if (tries < 2) throw away()
    return tries
  })

  assert.equal(tries, 2)
  assert.deepEqual(told, ['no engine answers'])
})

test('an engine that is there and refuses is not asked again', async () => {
  const waiting = { signal: new AbortController().signal, say: () => {} }
  const refusal = new KaosError('RUNNER_UNAVAILABLE', 'this host has no GPU')
  let asked = 0

  const asking = throughAbsence(waiting, async () => {
    asked++
    throw refusal
  })

  await assert.rejects(asking, refusal)
  assert.equal(asked, 1)
})

test('work is given back when its engine stays away, and at once when the attempt is over', async () => {
  const over = new AbortController()
  const reason = new Error('over')
  const failing = async () => {
    throw away()
  }

  await assert.rejects(throughAbsence({ signal: over.signal, say: () => {}, waitMs: 0 }, failing), {
    code: 'RUNNER_UNAVAILABLE',
  })
  const waiting = throughAbsence({ signal: over.signal, say: () => over.abort(reason) }, failing)
  await assert.rejects(waiting, reason)
})

/** An engine that goes away twice: before it starts a program, and before it says that it has. */
function unsteady(runner: Runner, starts: () => void): Runner {
  let calls = 0
  return new Proxy(runner, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name !== 'run') return typeof value === 'function' ? value.bind(target) : value
      const run: Runner['run'] = async (order, place) => {
        calls++
        if (calls === 1) throw away()
        starts()
        const running = await target.run(order, place)
        if (calls === 2) throw away()
        return running
      }
      return run
    },
  })
}

test('a training is started once although the engine went away while it was', async t => {
  let starts = 0
  const { kept, server, trial } = await workerScene(t, runner => unsteady(runner, () => starts++))

  const played = server.offer(await trial('#!/bin/sh\nmkdir "$1"; echo ok > "$1/model"\n'))
  const report = await server.reported(played)

  assert.equal(report.state, 'succeeded', report.reason)
  assert.equal(starts, 1)
  assert.match(played.log.toString(), /waiting: no engine answers/)
  while ((await kept()).length > 0) await tick()
})
