import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { wheel } from '../runners/process/wheel.ts'
import { cli } from './kaos.ts'
import { replayScene, write } from './replay-scene.ts'

const WORK = 'write("one.json", len(os.environ["KAOS_DATA"]) > 0)'

test('what was checked out is the same experiment, and changed it is a branch of it', async t => {
  const { work, ok, json, trained } = await replayScene(t)
  await trained('long', WORK)
  const list = await json('train', 'list')
  const [first] = list.training
  rmSync(join(work, 'long'), { recursive: true })
  rmSync(join(work, 'data'), { recursive: true })

  const said = await ok('train', 'checkout', '-i', '0', 'copy')
  const kaos = cli(join(work, 'copy'))
  const same = await kaos('train', 'deploy', '--json')
  const anew = JSON.parse((await kaos('train', 'deploy', '--again', '--json')).stdout)
  write(work, 'copy/code/long/model/more.py', 'x = 1\n')
  write(work, 'copy/data/lines/b.csv', '3,4\n')
  const changed = JSON.parse((await kaos('train', 'deploy', '--wait', '--json')).stdout)

  assert.match(said, new RegExp(`copy: job ${first.jobId}, code long:[0-9a-f]{5}`))
  assert.equal(JSON.parse(same.stdout).unchanged, true)
  assert.equal(JSON.parse(same.stdout).job.jobId, first.jobId)
  assert.equal((await json('train', 'info', '-j', anew.job.jobId)).from, first.jobId)
  const info = await ok('train', 'info', '-j', changed.job.jobId)
  assert.match(info, new RegExp(`Made from: ${first.jobId}\n`))
  const tree = await ok('train', 'tree')
  assert.match(
    tree,
    new RegExp(
      `^${first.jobId} .*\n\u251c\u2500 ${anew.job.jobId} .*\n\u2514\u2500 ${changed.job.jobId} `,
    ),
  )
  const { edges } = await json('provenance', 'show', changed.job.jobId, '--depth', '2')
  const derived = edges.filter((one: { relation: string }) => one.relation === 'wasDerivedFrom')
  assert.deepEqual(
    derived.map(({ role }: { role: string }) => role),
    ['revision', 'revision'],
  )
})

test('a grid, one point of it, and the packages of then are written down', async t => {
  const { work, wheels, ok, kaos, trained } = await replayScene(t)
  await wheel(wheels, 'kaosnumbers', '1.0', 'VALUE = 1\n')
  await trained('grid', WORK, 'kaosnumbers\n')
  const grid = '{"degree": [4, 5]}'
  write(work, 'params.json', grid)
  const deploy = ['-s', 'grid', '-d', 'data', '-h', 'params.json', '-p', '2', '--memory', '2G']
  await ok('train', 'deploy', ...deploy, '--wait')

  const whole = await kaos('train', 'checkout', '-j', '@latest', 'whole')
  await ok('train', 'checkout', '-j', '@latest', 'point', '--trial', '1', '--no_data', '--pin')
  const full = await kaos('train', 'checkout', '-j', '@latest', 'whole')

  const read = (path: string) => readFileSync(join(work, path), 'utf8')
  assert.match(whole.stderr, /leaves versions open \(kaosnumbers\).*--pin/)
  assert.equal(read('whole/params.json'), grid)
  assert.match(read('whole/kaos.yaml'), /^parallelism: 2\nresources:\n {2}memory: 2G$/m)
  assert.match(read('whole/environment/requirements.lock'), /^kaosnumbers==1\.0$/m)
  assert.equal(JSON.parse(read('whole/environment/environment.json')).packages.kaosnumbers, '1.0')
  assert.equal(read('whole/code/grid/model/requirements.txt'), 'kaosnumbers\n')
  assert.deepEqual(JSON.parse(read('point/params.json')), { degree: [5] })
  assert.match(read('point/kaos.yaml'), /^data: sha256:[0-9a-f]{64} # lines:/m)
  assert.match(read('point/code/grid/model/requirements.txt'), /^kaosnumbers==1\.0$/m)
  assert.equal(full.code, 2)
  assert.match(full.stderr, /whole is not empty; name a folder/)
  const inPoint = cli(join(work, 'point'))
  const deployed = JSON.parse((await inPoint('train', 'deploy', '--wait', '--json')).stdout)
  assert.equal(deployed.models.length, 1)
  assert.deepEqual(deployed.grid.points, [{ degree: 5 }])
})

test('an option stands instead of what kaos.yaml says, and another workspace is refused', async t => {
  const { work, ok, json, kaos, trained } = await replayScene(t)
  await trained('one', WORK)
  await ok('train', 'checkout', '-j', '@latest', 'copy')
  write(work, 'other/lines/z.csv', '9\n')

  const other = await json('train', 'deploy', '-f', 'copy/kaos.yaml', '-d', 'other', '--dry_run')
  await ok('workspace', 'create', '-n', 'elsewhere')
  const refused = await kaos('train', 'deploy', '-f', 'copy/kaos.yaml')

  assert.deepEqual(
    other.bundles.map(({ files }: { files: number }) => files),
    [3, 1],
  )
  assert.match(refused.stderr, /belongs to workspace again, and the current one is elsewhere/)
})
