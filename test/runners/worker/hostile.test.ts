/* What programs and servers may try at a worker. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WorkOrder } from '../../../api/attempts.ts'
import { type Digest, digestOf } from '../../../api/digest.ts'
import { newId } from '../../../api/ids.ts'
import { requireOrder } from '../../../runners/worker/order.ts'
import { Trees } from '../../../runners/worker/trees.ts'

const tree = digestOf('')

function orderOf(work: object, attempt = newId()): WorkOrder {
  const image = { name: 'i', kind: 'oci', tree, program: tree, labels: {} }
  const trial = { kind: 'trial', image, data: [], output: 'b82151', resources: {}, ...work }
  const head = { attempt, number: 1, token: 't', leaseMs: 1, workspace: 'w', job: newId() }
  return { ...head, work: trial } as WorkOrder
}

test('an order whose names lead elsewhere is not carried out', () => {
  const good = { data: [{ name: 'features:12345', tree }], hyper: { hash: 'a', file: 'b=1.json' } }
  const bad = [
    orderOf({}, '../../home'),
    orderOf({}, ''),
    orderOf({ output: '../..' }),
    orderOf({ data: [{ name: '../../etc', tree }] }),
    orderOf({ data: [{ name: '..', tree }] }),
    orderOf({ hyper: { hash: '..', file: 'x', values: {} } }),
    orderOf({ hyper: { hash: 'a', file: '../x', values: {} } }),
  ]

  assert.ok(requireOrder(orderOf(good)))
  for (const order of bad) assert.throws(() => requireOrder(order), { code: 'BAD_REQUEST' })
})

test('a digest that is a path does not show a folder of the host', async t => {
  const base = await mkdtemp(join(tmpdir(), 'kaos-trees-'))
  t.after(() => rm(base, { recursive: true }))
  await mkdir(join(base, 'cache', 'secrets'), { recursive: true })
  await mkdir(join(base, 'cache', 'trees'), { recursive: true })
  const options = { mostBytes: 1e9, inUse: () => new Set<string>(), areProtected: async () => true }
  const trees = new Trees(join(base, 'cache'), options)
  const none = async function* (): AsyncGenerator<Uint8Array> {}
  const nothing = { folders: none, parts: none }

  const found = trees.folderOf('sha256:../secrets' as Digest, nothing, new AbortController().signal)

  await assert.rejects(found, { code: 'BAD_REQUEST' })
})
