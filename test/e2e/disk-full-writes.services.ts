/* A volume without a free byte, with the real server and worker on it: every kind of write is refused as
 * such, the rest goes on, and all is well again once there is room. Needs root, for a tmpfs. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli, folder, startServer } from './kaos.ts'
import { openVolume } from './volume.ts'

const MIB = 1024 * 1024
const hex = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest('hex')

/** A server on a small volume of its own. `reserve`: percent that it leaves free. */
async function onVolume(t: TestContext, reserve: number) {
  const volume = openVolume('200m')
  const data = join(volume.place, 'data')
  mkdirSync(data)
  const env = { KAOS_RESERVE_PERCENT: String(reserve), KAOS_SCRUB_DAYS: '0' }
  const server = await startServer(data, { env })
  t.after(async () => {
    await server.stop()
    volume.close()
  })
  return { url: server.url, fill: volume.fill, free: volume.free }
}

const post = (url: string, body: object = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** Each kind of write there is, of fresh bytes. */
function writesTo(url: string): Record<string, () => Promise<Response>> {
  const api = `${url}/api/v1`
  const put = (place: string, body: Uint8Array) =>
    fetch(place, {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/octet-stream' },
    })
  return {
    workspace: () => post(`${api}/workspaces`, { name: `w${randomBytes(4).toString('hex')}` }),
    upload: () => post(`${api}/workspaces/full/uploads`),
    user: () => post(`${api}/admin/users`, { name: `u${randomBytes(4).toString('hex')}` }),
    oci: () => {
      const bytes = randomBytes(2 * MIB)
      const place = `${url}/v2/full/things/blobs/uploads/?digest=sha256:${hex('sha256', bytes)}`
      return fetch(place, {
        method: 'POST',
        body: bytes,
        headers: { 'content-type': 'application/octet-stream' },
      })
    },
    dvc: () => {
      const bytes = randomBytes(2 * MIB)
      const name = hex('md5', bytes)
      return put(`${url}/dvc/full/set/files/md5/${name.slice(0, 2)}/${name.slice(2)}`, bytes)
    },
    lfs: () => {
      const bytes = randomBytes(2 * MIB)
      return put(`${url}/lfs/full/art/objects/${hex('sha256', bytes)}`, bytes)
    },
  }
}

for (const reserve of [5, 0]) {
  const title = `without a free byte every kind of write is answered with 507 and reads go on (reserve ${reserve} %)`
  test(title, async t => {
    const { url, fill, free } = await onVolume(t, reserve)
    assert.equal((await post(`${url}/api/v1/workspaces`, { name: 'full' })).status, 201)
    const writes = Object.entries(writesTo(url))
    for (const [what, write] of writes) {
      const answer = await write()
      assert.ok(answer.ok, `${what}: ${answer.status} ${await answer.text()}`)
    }
    fill(0)

    const refused: Record<string, number> = {}
    const told: string[] = []
    for (const [what, write] of writes) {
      const answer = await write()
      refused[what] = answer.status
      told.push(await answer.text())
    }
    const list = await fetch(`${url}/api/v1/workspaces`)
    const ready = await fetch(`${url}/readyz`)
    const health = await fetch(`${url}/healthz`)
    free()
    const again: Record<string, boolean> = {}
    for (const [what, write] of writes) again[what] = (await write()).ok
    const readyAgain = await fetch(`${url}/readyz`)

    const statuses = Object.values(refused)
    console.log(
      `promise disk-full reserve=${reserve} refused=${statuses.filter(one => one === 507).length} others=${statuses.filter(one => one !== 507).length} recovered=${Object.values(again).every(Boolean)}`,
    )
    assert.deepEqual(refused, Object.fromEntries(writes.map(([what]) => [what, 507])))
    for (const text of told) assert.doesNotMatch(text, /kaos-full-|SQLITE|ENOSPC| at /)
    assert.deepEqual([list.status, health.status, ready.status], [200, 200, 503])
    assert.match(await ready.text(), /storage/)
    assert.deepEqual(again, Object.fromEntries(writes.map(([what]) => [what, true])))
    assert.equal(readyAgain.status, 200, await readyAgain.text())
  })
}

test('a training that runs while the disk is full waits for room, and ends well', async t => {
  const { url, fill, free } = await onVolume(t, 0)
  const work = folder(t)
  const kaos = cli(work)
  const gate = join(work, 'gate')
  const model = join(work, 'code', 'steps', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'numbers'), { recursive: true })
  writeFileSync(join(work, 'data', 'numbers', 'one.txt'), '1\n')
  writeFileSync(join(work, 'code', 'steps', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(
    join(model, 'train'),
    `#!/bin/sh
echo begun
until [ -e ${gate} ]; do printf '%02000d\\n' 1; sleep 0.1; done
mkdir -p "$1/model"
echo done > "$1/model/out"
echo ended
`,
  )
  chmodSync(join(model, 'train'), 0o755)
  await kaos('init', '-e', url)
  await kaos('workspace', 'create', '-n', 'full')
  const deployed = await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--json')
  assert.equal(deployed.code, 0, deployed.stderr)
  const state = async () => JSON.parse((await kaos('train', 'list', '--json')).stdout).training[0]
  while ((await state()).state !== 'JOB_RUNNING') await sleep(200)
  fill(0)
  await sleep(3000)
  const during = await state()

  free()
  await sleep(1000)
  writeFileSync(gate, '')

  let after = await state()
  while (!/SUCCESS|FAILURE|KILLED/.test(after.state)) {
    await sleep(500)
    after = await state()
  }
  const logs = await kaos('train', 'logs', '-j', after.jobId)
  console.log(`promise disk-full-training during=${during.state} after=${after.state}`)
  assert.equal(after.state, 'JOB_SUCCESS', JSON.stringify(after))
  assert.match(logs.stdout, /begun/)
  assert.match(logs.stdout, /the disk was full/)
})
