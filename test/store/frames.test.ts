import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { frameHeader } from '../../api/transfer/protocol.ts'
import { framed } from '../../store/frames.ts'

/** Frames as a pack has them, and a view of each object in it. */
function pack(sizes: readonly number[]): { memory: Buffer; objects: Buffer[] } {
  const bytes = sizes.map((size, i) => Buffer.alloc(size, i + 1))
  const memory = Buffer.concat(bytes.flatMap(one => [frameHeader(one.length), one]))
  let at = 0
  const objects = sizes.map(size => {
    at += 4 + size
    return memory.subarray(at - size, at)
  })
  return { memory, objects }
}

const sent = async (objects: readonly Uint8Array[]) => Array.fromAsync(framed(from(objects)))

async function* from(objects: readonly Uint8Array[]) {
  yield* objects
}

describe('objects on their way out as frames', () => {
  it('go out from where they lie when they lie as in a pack', async () => {
    const { memory, objects } = pack([64_000, 70_000, 20, 90_000])

    const pieces = await sent(objects)

    assert.equal(pieces.length, 1)
    assert.equal(pieces[0]!.buffer, memory.buffer)
    assert.deepEqual(Buffer.concat(pieces), memory)
  })

  it('are the same bytes however they lie', async () => {
    const size = fc.oneof(fc.nat(300), fc.integer({ min: 30_000, max: 300_000 }))
    const order = fc.array(fc.record({ pack: fc.nat(1), index: fc.nat(7), copied: fc.boolean() }), {
      maxLength: 12,
    })
    const packs = fc.tuple(
      fc.array(size, { minLength: 8, maxLength: 8 }),
      fc.array(size, { minLength: 8, maxLength: 8 }),
    )
    await fc.assert(
      fc.asyncProperty(packs, order, async (sizes, chosen) => {
        const lying = sizes.map(one => pack(one).objects)
        const objects = chosen.map(({ pack, index, copied }) => {
          const object = lying[pack]![index]!
          return copied ? Buffer.from(object) : object
        })
        const wanted = objects.flatMap(one => [frameHeader(one.length), one])

        const pieces = await sent(objects)

        assert.deepEqual(Buffer.concat(pieces), Buffer.concat(wanted))
      }),
      { numRuns: 60 },
    )
  })

  it('are not taken for neighbours when another length stands before them', async () => {
    const { memory, objects } = pack([64_000, 70_000])
    memory.writeUInt32BE(69_999, 4 + 64_000)

    const all = Buffer.concat(await sent(objects))

    assert.equal(all.readUInt32BE(4 + 64_000), 70_000)
    assert.equal(all.length, memory.length)
  })
})
