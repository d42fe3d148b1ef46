import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { Contestant, Sample } from '../../bench/contestant.ts'
import { make } from '../../bench/making.ts'
import { runRounds } from '../../bench/rounds.ts'
import { W5 } from '../../bench/workloads.ts'

const SAMPLE: Sample = { wallMs: 1, clientCpuMs: 1, clientPeakBytes: 1 }

function contestant(failing: 'push' | 'checkout'): Contestant {
  const step = async (name: string) => {
    if (name === failing) throw new Error(`cannot ${name}`)
    return SAMPLE
  }
  return {
    name: failing,
    begin: async () => ({
      push: () => step('push'),
      checkout: () => step('checkout'),
      end: async () => undefined,
    }),
  }
}

test('who cannot fetch goes on pushing in later rounds, who cannot push is out', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'kaos-rounds-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const cache = join(folder, 'cache')
  const running = join(folder, 'rounds')
  mkdirSync(running)
  const v1 = make(W5, 1 / 500, cache)
  const [recorded, failed]: [string[], string[]] = [[], []]

  await runRounds(
    {
      name: 'W5',
      versions: { v1, changes: undefined },
      steps: ['push v1', 'push again', 'checkout v1'],
    },
    [contestant('checkout'), contestant('push')],
    {
      rounds: 2,
      folder: running,
      counted: false,
      record: line => recorded.push(`${line.contestant} ${line.round} ${line.step}`),
      failed: (_name, error) => failed.push(error.message),
    },
  )

  assert.deepEqual(recorded, [
    'checkout 1 push v1',
    'checkout 1 push again',
    'checkout 2 push v1',
    'checkout 2 push again',
  ])
  assert.deepEqual(failed, ['cannot checkout', 'cannot push'])
})
