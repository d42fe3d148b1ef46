import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { WorkOrder } from '../../../api/attempts.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'

/* Whatever workers do, in whatever order, late and twice, and however often the server starts anew:
 * each job has one outcome, each trial at most one model, and nothing is left waiting for ever. */

type Step = 'claim' | 'succeed' | 'fail' | 'lose' | 'renew' | 'kill' | 'restart'
const step = fc.record({
  what: fc.constantFrom<Step>(
    'claim',
    'claim',
    'succeed',
    'succeed',
    'fail',
    'lose',
    'renew',
    'kill',
    'restart',
  ),
  which: fc.nat(20),
})

async function perform(server: Scripted, what: Step, order: WorkOrder): Promise<void> {
  if (what === 'renew') await server.renew(order, 'running')
  if (what === 'fail') await server.report(order, { state: 'failed', reason: 'no' })
  if (what === 'lose') await server.report(order, { state: 'lost' })
  if (what === 'succeed') {
    const end = order.work.kind === 'build' ? server.endBuild(order) : server.endTrial(order, {})
    await end.catch(refusedAsStale)
  }
}

/** What an attempt that is over is told. */
function refusedAsStale(error: Error): void {
  assert.match(error.message, /ATTEMPT_STALE/)
}

async function drain(server: Scripted, held: readonly WorkOrder[]): Promise<void> {
  for (const order of held) await perform(server, 'lose', order)
  for (let order = await server.claim(); order; order = await server.claim()) {
    await perform(server, 'succeed', order)
  }
}

/** How often the log says of each job that it has ended. */
async function outcomes(server: Scripted): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const { payload } of await server.test.parts.ledger.log(0, 10_000)) {
    const { type, detail } = JSON.parse(payload!) as { type: string; detail?: { job: string } }
    if (!/^(train\.finished|image\.built|build\.(failed|killed))$/.test(type)) continue
    ends.set(detail!.job, (ends.get(detail!.job) ?? 0) + 1)
  }
  return ends
}

test('every job has exactly one outcome, whatever happens to its attempts', async t => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 4, maxLength: 14 }),
    async steps => {
      let server = await openScripted(t)
      const { job, build } = await server.firstTraining({
        hyperparams: { a: [1, 2, 3] },
        parallelism: 2,
      })
      const held: WorkOrder[] = []
      for (const { what, which } of steps) {
        if (what === 'restart') server = await server.restart()
        else if (what === 'kill') {
          await server.call('POST', `/workspaces/mnist/jobs/${job!.jobId}/kill`)
        } else if (what === 'claim') {
          const order = await server.claim()
          if (order) held.push(order)
        } else if (held.length > 0) await perform(server, what, held[which % held.length]!)
      }
      await drain(server, held)

      const ends = await outcomes(server)
      const { models } = await server.job(job!.jobId)
      assert.equal(ends.get(job!.jobId), 1)
      assert.equal(ends.get(build!.jobId), 1)
      const names = models.flatMap(model => model.modelId ?? [])
      assert.equal(new Set(names).size, names.length)
      assert.deepEqual(await server.test.parts.ledger.records('open/'), [])
      assert.deepEqual(await server.test.parts.ledger.records('attempt/'), [])
      assert.deepEqual(await server.test.parts.ledger.records('ready/'), [])
      await server.test.close()
    },
  )

  await fc.assert(property, { numRuns: 8 })
})
