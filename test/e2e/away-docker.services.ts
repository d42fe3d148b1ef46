/* A Docker Engine that is killed and started again, stands still, and whose lines are cut, while it builds
 * and trains: every training is made once in the end. KAOS_TEST_ROUNDS kills, KAOS_TEST_STALL_S for the
 * length of a standstill. Needs root: the engine is its own. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Dockerode from 'dockerode'
import { cli, folder, startServer } from './kaos.ts'
import { Line } from './parts/line.ts'
import { ownDocker } from './parts/programs.ts'
import { deploy, settledJobs, untilReady, writeBundle } from './parts/work.ts'
import { makeWorkspace, WORKSPACE } from './pushing.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 2)
const STALL_MS = Number(process.env.KAOS_TEST_STALL_S ?? 8) * 1000
const AWAY_MS = 1500
/** Trainings of one image. */
const PER_IMAGE = 8
const TRAIN =
  '#!/usr/bin/python3\nimport os, sys, time\nos.makedirs(sys.argv[1] + "/model")\ntime.sleep(2)\nopen(sys.argv[1] + "/model/done", "w").write("yes")'

test('an engine may go away while it builds and trains, and every training is made once', async t => {
  const image = process.env.KAOS_TEST_SMALL_IMAGE
  assert.ok(image, 'KAOS_TEST_SMALL_IMAGE must name an image of the shared engine')
  const engine = await ownDocker(t, image)
  const line = await Line.to(t, engine.at, join(folder(t, 'kl-'), 's'))
  const env = { KAOS_RUNNER: 'docker', KAOS_DOCKER_SOCKET: line.at, KAOS_SLOTS: '2' }
  const server = await startServer(folder(t), { env })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work)
  await makeWorkspace(server.url)
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'set', '-n', WORKSPACE)
  const said: unknown[] = []
  let [deploys, slowestMs] = [0, 0]

  async function round(run: () => Promise<void>): Promise<void> {
    const dockerfile = `FROM ${image}\nWORKDIR /opt/program\nCOPY . /opt/program/\n`
    // An image of its own now and then: to take one out of the engine is the longest part.
    writeBundle(work, deploys, dockerfile, `${TRAIN}\n# ${Math.floor(deploys / PER_IMAGE)}\n`)
    const done = await deploy(kaos)
    assert.equal(done.code, 0, done.stderr)
    deploys++
    await sleep(Math.random() * 4000)
    await run()
    slowestMs = Math.max(slowestMs, await untilReady(server.url))
  }
  for (let number = 0; number < ROUNDS; number++) {
    await round(async () => {
      await engine.kill()
      await sleep(Math.random() * AWAY_MS)
      const answer = await fetch(`${server.url}/readyz`)
      said.push(((await answer.json()) as { checks?: object }).checks)
      await engine.start()
    })
    await round(async () => {
      const cut = line.cut()
      // With nothing to do nobody speaks to the engine.
      while (line.isToBeCut) {
        await fetch(`${server.url}/readyz`)
        await sleep(100)
      }
      await cut
    })
  }
  await round(async () => {
    engine.freeze()
    await sleep(STALL_MS)
    engine.thaw()
  })

  const jobs = await settledJobs(server.url)
  const left = await new Dockerode({ socketPath: engine.at }).listContainers({ all: true })
  const attempts = jobs.flatMap(({ job }) => job)
  const bad = attempts.filter(({ state }) => state !== 'JOB_SUCCESS')
  const doubled = jobs.filter(({ models }) => models.length > 1).length
  console.log(
    `promise docker-away kills=${ROUNDS} cuts=${ROUNDS} standstills=1 jobs=${jobs.length}`,
    `failed=${bad.length} doubled=${doubled} containers-left=${left.length}`,
    `slowest-ready-ms=${Math.round(slowestMs)}`,
  )
  assert.deepEqual(bad, [])
  assert.equal(jobs.length, deploys)
  assert.equal(doubled, 0)
  assert.deepEqual(
    said,
    said.map(() => ({ runner: 'the Docker Engine does not answer' })),
  )
})
