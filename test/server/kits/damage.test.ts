import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { openKits } from '../../../server/kits/kits.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { noise } from '../../store/bytes.ts'
import { arrive, openScene } from './arriving.ts'
import { packKit, sha256 } from './kit.ts'

test('a layer whose content is damaged is missing until the kit is pushed again', async t => {
  const opened = await openScene(t)
  const objects = new Map<Digest, Uint8Array>()
  const store = await openMemoryStore(objects)
  const parts = { ...opened.parts, store }
  const kits = openKits(parts)
  const scene = { ...opened, parts: { ...parts, kits } }
  const files = { 'large.bin': noise(500_000, 3) }
  const kit = packKit({ layers: [{ kind: 'dataset', name: 'data', path: 'data', files }] })
  const { recipes } = (await arrive(scene, kit))!
  const { view, digest } = recipes[0]!
  const [largest] = [...objects.keys()].sort(
    (a, b) => objects.get(b)!.length - objects.get(a)!.length,
  )
  objects.set(largest!, noise(10, 4))
  await assert.rejects(store.get(largest!), { code: 'OBJECT_DAMAGED' })

  const missing = await kits.views(view)
  await arrive(scene, kit)
  const healed = await kits.views(view)

  assert.equal(missing, undefined)
  const bytes = Buffer.concat(await Array.fromAsync(healed!.read()))
  assert.equal(sha256(bytes), digest)
})
