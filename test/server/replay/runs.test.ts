import assert from 'node:assert/strict'
import test from 'node:test'
import { digestOf } from '../../../api/digest.ts'
import type { ReplayPart } from '../../../server/jobs/records.ts'
import { judge } from '../../../server/replay/compare.ts'
import { parseRequirements } from '../../../server/replay/requirements.ts'
import { firstRuns, nextRuns, type Ran } from '../../../server/replay/runs.ts'

const THEN = digestOf('then')
const STARTED = '2026-01-01T00:00:00.000Z'

function replayOf(changes: Partial<ReplayPart> = {}): ReplayPart {
  const of = {
    ...{ job: 'j', trial: 't', index: 0, model: 'm', modelId: 'a_b:c', tree: THEN },
    ...{ metrics: {}, output: '123456', startedAt: STARTED },
  }
  const asked = { times: 1, tolerance: {}, explain: 'unlike', keep: false } as const
  return { of, ...asked, runs: [], fresh: null, verdict: null, ...changes }
}

/** Runs as planned until nothing follows; `makes` says what each comes to. */
function runsOf(replay: ReplayPart, makes: (as: string, turn: number) => string | undefined) {
  const ran: Ran[] = []
  let planned = firstRuns(replay)
  for (; planned.length > 0; planned = nextRuns(replay, ran)) {
    for (const run of planned) {
      const text = makes(run.as, ran.length)
      const tree = text === undefined ? undefined : digestOf(text)
      ran.push({ run, tree, reason: null })
    }
  }
  return ran.map(({ run }) => run.as)
}

const FRESH = { pointer: 'p', build: 'b', image: 'i' }

test('runs that look for a cause follow only when the bytes differ, or when that is asked for', () => {
  assert.deepEqual(
    runsOf(replayOf(), () => 'then'),
    ['again'],
  )
  assert.deepEqual(runsOf(replayOf({ times: 2, explain: 'never' }), String), ['again', 'again'])
  assert.deepEqual(
    runsOf(replayOf({ explain: 'always' }), () => 'then'),
    ['again', 'again', 'forced', 'forced-again', 'seed', 'clock'],
  )
})

test('another seed and another clock are tried only where forcing both makes replays agree', () => {
  const dice = runsOf(replayOf(), (as, turn) => (as === 'again' ? String(turn) : as.slice(0, 6)))
  const race = runsOf(replayOf({ times: 3 }), (_, turn) => String(turn))

  assert.deepEqual(dice, ['again', 'again', 'forced', 'forced-again', 'seed', 'clock'])
  assert.deepEqual(race, ['again', 'again', 'again', 'forced', 'forced-again'])
})

test('a run that fails is not looked into', () => {
  assert.deepEqual(
    runsOf(replayOf(), () => undefined),
    ['again'],
  )
})

test('packages resolved anew are held against one run with the recorded ones', () => {
  const packages = runsOf(replayOf({ fresh: FRESH }), as => (as === 'again' ? 'then' : 'now'))
  const all = runsOf(replayOf({ fresh: FRESH }), (as, turn) => {
    return as.startsWith('forced') ? 'forced' : String(turn)
  })

  assert.deepEqual(packages, ['fresh', 'again'])
  assert.deepEqual(all, [
    'fresh',
    'again',
    'forced',
    'forced-again',
    'seed',
    'clock',
    'forced-fresh',
  ])
})

test('each forced run is unlike the first in one thing', () => {
  const forced = {
    run: firstRuns({ times: 1, fresh: null })[0]!,
    tree: digestOf('1'),
    reason: null,
  }
  const pair = nextRuns(replayOf(), [forced])
  const ran = pair.map(run => ({ run, tree: digestOf(run.forced ? 'f' : 'x'), reason: null }))

  const [seed, clock] = nextRuns(replayOf(), [forced, ...ran])

  const base = pair.find(({ as }) => as === 'forced')!.forced!
  assert.equal(base.clock, STARTED)
  assert.deepEqual({ ...seed!.forced, seed: base.seed }, base)
  assert.notEqual(seed!.forced!.seed, base.seed)
  assert.equal(clock!.forced!.seed, base.seed)
  assert.equal(clock!.forced!.clock, '2027-02-05T01:01:01.000Z')
})

test('a requirement is pinned when it can only be one version', () => {
  const pinned = [
    'numpy==1.26.4',
    'scikit-learn == 1.4.0 ; python_version > "3.8"',
    'pandas[all]==2.2.0 --hash=sha256:abc',
    'torch===2.1.0+cpu',
    'x @ https://example.com/x.whl#sha256=abc',
  ]
  const open = [
    'numpy',
    'numpy>=1',
    'numpy==1.*',
    'numpy~=1.2',
    '-r more.txt',
    'x @ git+https://a/b',
  ]
  const text = ['# a comment', '', '--index-url https://a', ...pinned, ...open].join('\n')

  const found = parseRequirements(text)

  assert.deepEqual(found.lines, [...pinned, ...open])
  assert.deepEqual(found.unpinned, open)
  assert.equal(found.hashed, 1)
})

test('a metric is judged by its own tolerance before that for all, and a missing one is off', () => {
  const original = { a: 1, b: 2, name: 'x' }

  const judged = judge(original, [{ a: 1.1, b: 2, name: 'y' }, { a: 0.7 }], { a: 0.2, '*': 0.5 })

  assert.deepEqual(
    judged.map(({ name, off, within }) => [
      name,
      off === null ? null : Number(off.toFixed(3)),
      within,
    ]),
    [
      ['a', 0.3, false],
      ['b', null, false],
    ],
  )
})

test('names of metrics that objects have by themselves are no metrics', () => {
  const judged = judge({ constructor: 1 } as never, [{ constructor: 1 } as never], { toString: 1 })

  assert.deepEqual(judged, [])
})
