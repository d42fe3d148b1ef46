/* Content whose chunks the receiver checks: the server reads them unchecked, and checks what the receiver
 * says was wrong. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Digest } from '../../api/digest.ts'
import { chunksIn } from '../../api/transfer/list.ts'
import { receiveTree } from '../../api/transfer/receive.ts'
import { decodeTree } from '../../api/tree.ts'
import { Client } from '../../cli/client.ts'
import { fetchAll } from '../../cli/downloads.ts'
import { Progress } from '../../cli/progress.ts'
import { noise } from '../store/bytes.ts'
import { damageIn } from '../store/damage.ts'
import { openTestApp, tempFolder } from './open.ts'
import { post, sendBundle } from './sending.ts'

interface Damaged {
  readonly base: string
  readonly url: string
  readonly tree: Digest
  readonly folder: string
  readonly artifact: { entity: string; name: string; tree: Digest; files: number; bytes: number }
  damaged(): Promise<number>
}

const BYTES = noise(3_000_000, 7)

/** A data set of one file, of which a chunk in the middle is damaged on the disk. */
async function openDamaged(t: TestContext): Promise<Damaged> {
  const { parts, folder: served, listen } = await openTestApp(t)
  const base = await listen()
  await post(`${base}/api/v1/workspaces`, { name: 'mnist' })
  const folder = await tempFolder(t)
  await writeFile(join(folder, 'large.bin'), BYTES)
  const sent = await sendBundle(base, 'mnist', 'data', folder, 'features')
  const { id, tree } = (await sent.json()) as { id: string; tree: Digest }
  const [file] = decodeTree(await parts.store.get(tree))
  const chunks = [...chunksIn(await parts.store.get(file!.digest))]
  await damageIn(join(served, 'store'), chunks[chunks.length >> 1]!.digest)
  return {
    base,
    url: `${base}/api/v1/workspaces/mnist/entities/${id}/content`,
    tree,
    folder,
    artifact: { entity: id, name: 'features', tree, files: 1, bytes: BYTES.length },
    damaged: () => parts.store.damaged(),
  }
}

test('a receiver that checks is sent chunks unchecked, and finds the one that is damaged', async t => {
  const { url, tree, damaged } = await openDamaged(t)
  const target = join(await tempFolder(t), 'back')

  const { body } = await fetch(`${url}?unchecked=true`)
  await assert.rejects(receiveTree(body!, tree, target), { code: 'DIGEST_MISMATCH' })
  const before = await damaged()
  const cut = await fetch(url)
  await assert.rejects(cut.arrayBuffer())

  assert.equal(before, 0)
  assert.equal(await damaged(), 1)
  const told = (await (await fetch(`${url}?unchecked=true`)).json()) as { code: string }
  assert.equal(told.code, 'OBJECT_DAMAGED')
})

test('the command is told what is damaged, and fetches it once it was sent again', async t => {
  const { base, folder, artifact, damaged } = await openDamaged(t)
  const target = join(await tempFolder(t), 'back')
  const fetching = () => {
    const progress = new Progress('Fetching', undefined)
    const client = new Client(base, undefined)
    return fetchAll(client, '/workspaces/mnist', [{ artifact, target }], progress)
  }

  await assert.rejects(fetching(), { code: 'OBJECT_DAMAGED' })
  const found = await damaged()
  await sendBundle(base, 'mnist', 'data', folder, 'features')
  await fetching()

  assert.equal(found, 1)
  assert.equal(await damaged(), 0)
  assert.deepEqual(await readFile(join(target, 'large.bin')), BYTES)
})
