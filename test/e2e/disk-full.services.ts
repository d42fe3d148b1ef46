import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { cli, folder, startServer, template } from './kaos.ts'

test('a full disk refuses writes, goes on reading, and recovers without a restart', async t => {
  const volume = mkdtempSync(join(tmpdir(), 'kaos-e2e-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', volume])
  const data = join(volume, 'data')
  mkdirSync(data)
  const server = await startServer(data)
  t.after(async () => {
    await server.stop()
    execFileSync('umount', [volume])
    rmdirSync(volume)
  })
  const work = folder(t)
  const kaos = cli(work)
  const deploy = () =>
    kaos('train', 'deploy', '-s', 'mnist/model-train', '-d', 'mnist/data', '--wait')
  template('mnist', join(work, 'mnist'))
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'full')
  assert.equal((await deploy()).code, 0)
  const { bavail, bsize } = statfsSync(volume)
  const filler = join(volume, 'filler')
  writeFileSync(filler, Buffer.alloc(bavail * bsize - (6 << 20)))
  writeFileSync(join(work, 'mnist/data/features/more'), 'more')

  const refused = await deploy()

  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /disk of the server is nearly full/)
  const ready = await fetch(`${server.url}/readyz`)
  assert.equal(ready.status, 503)
  assert.match(await ready.text(), /storage/)
  const list = JSON.parse((await kaos('train', 'list', '--json')).stdout)
  assert.equal(list.training.length, 1)
  assert.equal((await kaos('train', 'get', '-j', list.training[0].jobId, '-cdm')).code, 0)

  rmSync(filler)

  const done = await deploy()
  assert.equal(done.code, 0, done.stderr)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
})
