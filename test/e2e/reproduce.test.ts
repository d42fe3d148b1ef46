import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { wheel } from '../runners/process/wheel.ts'
import { template } from './kaos.ts'
import { replayScene } from './replay-scene.ts'

test('the mnist template comes out the same, from ledger and store alone', async t => {
  const { work, ok, json } = await replayScene(t)
  template('mnist', join(work, 'mnist'))
  const deploy = ['-s', 'mnist/model-train', '-d', 'mnist/data', '--wait']
  const { job, models } = await json('train', 'deploy', ...deploy)
  rmSync(join(work, 'mnist'), { recursive: true })
  await ok('train', 'list')

  const said = await ok('train', 'reproduce', '-i', '0', '--times', '2', '--wait')

  assert.match(said, new RegExp(`^Replay of ${models[0].modelId}: identical$`, 'm'))
  const listed = await json('train', 'list')
  assert.deepEqual(
    listed.training.map((one: { jobId: string }) => one.jobId),
    [job.jobId],
  )
  assert.deepEqual(listed.replaying[0].replay, {
    of: job.jobId,
    modelId: models[0].modelId,
    verdict: 'identical',
  })
  assert.equal((await json('model', 'list')).models.length, 1)
  const info = await ok('train', 'info', '-j', listed.replaying[0].jobId)
  assert.match(info, /Replay of .*: identical\n {2}the same bytes: sha256:/)
})

test('numbers without a seed are found by experiment, and what metrics allow is told', async t => {
  const { json, kaos, trained } = await replayScene(t)
  const model = await trained(
    'dice',
    'write("weights.json", random.random())\nmetrics["accuracy"] += random.random() / 100',
  )

  const different = await json('train', 'reproduce', '-m', model, '--wait')
  const within = await kaos(
    'train',
    'reproduce',
    '-m',
    model,
    '--tolerance',
    'accuracy=0.02',
    '--wait',
  )
  const exact = await kaos('train', 'reproduce', '-m', model, '--wait', '--no_explain')

  const { verdict } = different
  assert.equal(verdict.verdict, 'different')
  assert.equal(verdict.agree, false)
  assert.deepEqual(
    verdict.causes.map(({ what, files, metrics }: Record<string, unknown>) => ({
      what,
      files,
      metrics,
    })),
    [
      {
        what: 'randomness',
        files: ['metrics/metrics.json', 'model/weights.json'],
        metrics: ['accuracy'],
      },
    ],
  )
  assert.deepEqual(verdict.experiments, [
    '2 replays differ from each other',
    'with seed and clock forced replays agree',
    'another seed changes the result',
    'another clock changes nothing',
  ])
  assert.equal(within.code, 0)
  assert.match(within.stdout, /: within tolerance\n[\s\S]*within tolerance: accuracy is off by/)
  assert.equal(exact.code, 1)
  assert.doesNotMatch(exact.stdout, /Because of/)
})

test('a clock is found by experiment, also one that shows only tomorrow', async t => {
  const { json, trained } = await replayScene(t)
  const fine = await trained('clock', 'write("when.json", str(datetime.datetime.now()))')
  const coarse = await trained('day', 'write("when.json", time.strftime("%Y"))')

  const now = (await json('train', 'reproduce', '-m', fine, '--wait')).verdict
  const later = (await json('train', 'reproduce', '-m', coarse, '--explain', '--wait')).verdict

  const causes = (verdict: typeof now) => verdict.causes.map((one: { what: string }) => one.what)
  assert.equal(now.verdict, 'different')
  assert.deepEqual(causes(now), ['clock'])
  assert.deepEqual(now.causes[0].files, ['model/when.json'])
  assert.equal(later.verdict, 'identical')
  assert.deepEqual(causes(later), ['clock'])
})

test('recorded packages are used again, and --fresh names the package that changes the result', async t => {
  const { data, wheels, ok, json, kaos, trained } = await replayScene(t)
  await wheel(wheels, 'kaosnumbers', '1.0', 'VALUE = 1\n')
  await wheel(wheels, 'kaoswords', '3.1', 'VALUE = 1\n')
  const work = 'import kaosnumbers\nwrite("value.json", kaosnumbers.VALUE)'
  const requirements = 'kaosnumbers\nkaoswords==3.1\n'
  const model = await trained('open', work, requirements)
  await wheel(wheels, 'kaosnumbers', '2.0', 'VALUE = 2\n')

  const recorded = await ok('train', 'reproduce', '-m', model, '--wait')
  // The same requirements now stand for other packages on this host.
  rmSync(join(data, 'worker', 'cache', 'environments'), { recursive: true })
  await trained('newer', `${work}\nwrite("more.json", 1)`, requirements)
  const remade = await ok('train', 'reproduce', '-m', model, '--wait')
  const fresh = await json('train', 'reproduce', '-m', model, '--fresh', '--wait')

  assert.match(recorded, /: identical\n[\s\S]*leaves versions open \(kaosnumbers\)/)
  assert.match(remade, /: identical\n/)
  assert.equal(fresh.verdict.verdict, 'different')
  assert.deepEqual(fresh.verdict.causes, [
    {
      what: 'packages',
      says: 'packages that are not pinned: kaosnumbers 1.0 \u2192 2.0',
      files: ['model/value.json'],
      metrics: [],
      changed: [{ name: 'kaosnumbers', a: '1.0', b: '2.0' }],
    },
  ])
  assert.deepEqual(fresh.verdict.experiments, [
    'with the recorded packages the result is identical',
    'packages resolved anew change the result',
  ])
  const again = await kaos('train', 'deploy', '-s', 'open', '-d', 'data', '--json')
  assert.equal(JSON.parse(again.stdout).unchanged, true)
})

test('what is missing is named, and what cannot be run again says so', async t => {
  const { json, kaos, ok, trained } = await replayScene(t)
  const model = await trained('steady', 'write("one.json", 1)')
  await ok('train', 'list')

  const several = await kaos('train', 'reproduce', '-i', '0', '--trial', '4')
  const unknown = await kaos('train', 'reproduce', '-m', model, '--tolerance', 'f1=0.1')
  const unclear = await kaos('train', 'reproduce', '-m', model, '--tolerance', 'f1')
  await ok('admin', 'purge', 'lines@v1', '--reason', 'by law', '--yes')
  const purged = await kaos('train', 'reproduce', '-m', model)

  assert.match(several.stderr, /has no trial 4; it has 0 to 0/)
  assert.match(unknown.stderr, /has no metric "f1"; it has accuracy/)
  assert.equal(unclear.code, 2)
  assert.equal(purged.code, 3)
  assert.match(purged.stderr, /data lines\S* .*purged/)
  assert.equal((await json('train', 'list')).replaying.length, 0)
})
