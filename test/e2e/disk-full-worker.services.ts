/* A worker on a disk without a free byte. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ScriptedServer } from '../runners/worker/scripted-server.ts'
import { root } from './kaos.ts'
import { openVolume, type Volume } from './volume.ts'

async function scene(t: TestContext) {
  const volume = openVolume('16m')
  const server = new ScriptedServer()
  await server.open()
  const children: ChildProcess[] = []
  t.after(async () => {
    for (const child of children) {
      child.kill('SIGKILL')
      if (child.exitCode === null) await once(child, 'exit')
    }
    await server.close()
    volume.close()
  })
  return {
    volume,
    server,
    /** Fails should the worker end before it is so. */
    async until(child: ChildProcess, found: () => boolean) {
      const ended = once(child, 'exit').then(([code]) => assert.fail(`the worker ended: ${code}`))
      await Promise.race([server.until(found), ended])
    },
    start(log: number | 'pipe') {
      const child = spawn(process.execPath, [join(root, 'runners', 'main.ts')], {
        env: { ...process.env, ...settingsFor(volume, server) },
        stdio: ['pipe', 'ignore', log],
      })
      children.push(child)
      return child
    },
  }
}

function settingsFor({ place }: Volume, { url, workerToken }: ScriptedServer) {
  return {
    KAOS_SERVER: url,
    KAOS_WORKER_TOKEN: workerToken,
    KAOS_DATA: join(place, 'data'),
    KAOS_RUNNER: 'process',
  }
}

test('a worker that is started on a full disk claims work once there is room', async t => {
  const { volume, server, start, until } = await scene(t)
  volume.fill(0)
  const worker = start('pipe')
  let said = ''
  for await (const words of worker.stderr!) {
    said += words
    if (said.includes('\n')) break
  }
  assert.match(said, /is full; it goes on once there is room/)

  volume.free()

  await until(worker, () => server.claims > 0)
})

test('a worker whose log has no room goes on working', async t => {
  const { volume, server, start, until } = await scene(t)
  const log = openSync(join(volume.place, 'worker.log'), 'a')
  t.after(() => closeSync(log))
  const worker = start(log)
  await until(worker, () => server.claims > 0)
  volume.fill(0)
  // Nor in what is left of its last block.
  assert.throws(() => {
    for (;;) writeSync(log, ' ')
  })
  const before = server.claims

  // It has something to say about that.
  await server.close()
  await server.open()

  await until(worker, () => server.claims > before + 1)
})
