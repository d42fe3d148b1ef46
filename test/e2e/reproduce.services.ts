import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import Dockerode from 'dockerode'
import { template } from './kaos.ts'
import { replayScene } from './replay-scene.ts'

const DOCKERFILE = `ARG BASE_IMAGE=python:3.12-slim
FROM \${BASE_IMAGE}
WORKDIR /opt/program
COPY . /opt/program/
RUN chmod +x train
`

function needed(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`${name} is not set: start the Docker Engine of the tests`)
}

test('in the pinned image, which the store gives back to an engine that lost it, the same bytes come out', async t => {
  const socket = needed('KAOS_TEST_DOCKER_SOCKET')
  const env = {
    KAOS_RUNNER: 'docker',
    KAOS_DOCKER_SOCKET: socket,
    KAOS_BASE_IMAGE: needed('KAOS_TEST_SMALL_IMAGE'),
  }
  const { work, json, ok, trained } = await replayScene(t, env, DOCKERFILE)
  const engine = new Dockerode({ socketPath: socket })
  template('mnist', join(work, 'mnist'))
  const deploy = ['-s', 'mnist/model-train', '-d', 'mnist/data', '--wait']
  const { models } = await json('train', 'deploy', ...deploy)
  const model = models[0].modelId
  rmSync(join(work, 'mnist'), { recursive: true })
  const first = await json('train', 'reproduce', '-m', model, '--wait')

  const score = await json('model', 'score', model)
  const pinned = /sha256:([0-9a-f]{64})/.exec(score.items[0].found)?.[1]
  const { Id } = await engine.getImage(`kaos/pin:${pinned}`).inspect()
  await engine.getImage(Id).remove({ force: true })
  const second = await json('train', 'reproduce', '-m', model, '--wait')
  await ok('train', 'checkout', '-j', '@latest', 'out', '--no_data')
  const written = readFileSync(join(work, 'out/environment/environment.json'), 'utf8')
  const recorded = JSON.parse(written)
  const dice = await trained('dice', 'write("weights.json", [random.random(), hash("a")])')
  const different = await json('train', 'reproduce', '-m', dice, '--wait')

  assert.equal(first.verdict.verdict, 'identical')
  assert.equal(second.verdict.verdict, 'identical')
  assert.equal(score.items[0].points, 15)
  assert.equal(recorded.image.manifest, `sha256:${pinned}`)
  assert.match(recorded.python, /^3\./)
  assert.deepEqual(
    different.verdict.causes.map(({ what, files }: Record<string, unknown>) => ({ what, files })),
    [{ what: 'randomness', files: ['model/weights.json'] }],
  )
})
