import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { answerOf, askOnce, serviceNamed } from '../fixture.ts'
import { workerScene } from './scene.ts'

const FOREVER = '#!/bin/sh\necho one\nwhile :; do sleep 1; done\n'

test('a service is announced when it answers, started again when it crashes, and stopped', async t => {
  const { server, service } = await workerScene(t)
  const serve = serviceNamed('first').replace(
    'def do_GET(self):',
    'def do_GET(self):\n        if self.path == "/crash": os._exit(5)',
  )
  const played = server.offer(await service(serve))
  const addresses = () => played.renewals.flatMap(({ address }) => address ?? [])
  const address = await server.until(() => addresses()[0])

  const before = await answerOf(address, '/')
  await Promise.race([answerOf(address, '/crash'), server.until(() => restarts(played).length > 0)])
  const again = await server.until(() => {
    const last = played.renewals.at(-1)
    return restarts(played).length > 0 && last?.phase === 'serving' && last.address
  })
  const after = await answerOf(again, '/')
  played.stop = true
  const report = await server.reported(played)

  assert.equal(before, 'first')
  assert.equal(after, 'first')
  assert.equal(report.state, 'stopped')
  assert.match(
    server.file(report.log!.digest as Digest),
    /listening\n.*exit code 5.*\n.*listening\n/,
  )
})

test('a service that ended while no worker was there is started again, as it had answered', async t => {
  const { end, server, service, start } = await workerScene(t)
  const serve = serviceNamed('first').replace(
    'def do_GET(self):',
    'def do_GET(self):\n        if self.path == "/crash": os._exit(5)',
  )
  const played = server.offer(await service(serve))
  const serving = () => played.renewals.findLast(({ phase }) => phase === 'serving')?.address
  const address = await server.until(serving)
  await end()

  await assert.rejects(askOnce(address, '/crash'))
  played.renewals.length = 0
  await start()
  const after = await answerOf(await server.until(serving), '/')
  played.stop = true
  const report = await server.reported(played)

  assert.equal(after, 'first')
  assert.equal(report.state, 'stopped')
})

test('a service that is busy when its next worker looks for it is not taken to be late', async t => {
  const { end, folder, server, service, start } = await workerScene(t)
  const busy = serviceNamed('busy').replace(
    'def do_GET(self):',
    'def do_GET(self):\n        while os.path.exists(BUSY): time.sleep(0.05)',
  )
  const flag = `${folder}-busy`
  const program = busy.replace('import os', 'import os, time').replaceAll('BUSY', `"${flag}"`)
  const played = server.offer(await service(program, 3000))
  const serving = () => played.renewals.findLast(({ phase }) => phase === 'serving')?.address
  await server.until(serving)
  await end()

  await writeFile(flag, '')
  played.renewals.length = 0
  await start()
  // Longer than a probe waits, and than the service had to become ready.
  const looks = () => played.renewals.filter(({ phase }) => phase === 'running').length
  await server.until(() => played.reports[0] ?? looks() > 24)
  assert.deepEqual(played.reports, [])
  await rm(flag)
  played.renewals.length = 0
  const after = await answerOf(await server.until(serving), '/')
  played.stop = true
  const report = await server.reported(played)

  assert.equal(after, 'busy')
  assert.equal(report.state, 'stopped')
})

test('a service that never answers has failed, and is told how long was waited', async t => {
  const { server, service } = await workerScene(t)

  const report = await server.reported(server.offer(await service(FOREVER, 500)))

  assert.equal(report.state, 'failed')
  assert.match(report.reason ?? '', /did not answer HTTP on port \d+ within/)
})

test('a service that ends before it answers has failed at once, with its exit code', async t => {
  const { server, service } = await workerScene(t)

  const report = await server.reported(server.offer(await service('#!/bin/sh\nexit 4\n')))

  assert.equal(report.state, 'failed')
  assert.match(report.reason ?? '', /exit code 4 before it answered/)
})

function restarts(played: { renewals: { phase: string }[] }) {
  return played.renewals.filter(renewal => renewal.phase === 'restarting')
}
