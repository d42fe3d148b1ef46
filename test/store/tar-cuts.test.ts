import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { digestOf } from '../../api/digest.ts'
import { chunks } from '../../api/transfer/chunker.ts'
import { type CutState, type Paused, PLAIN, TarCutter } from '../../store/tar-cuts.ts'

interface Member {
  readonly name: string
  readonly bytes?: Buffer
  readonly size?: number
  readonly type?: 'file' | 'directory' | 'symlink'
}

test('the chunks of an archive are its bytes, however it is fed and wherever it is paused', async () => {
  const archive = await tarOf([
    { name: 'a-folder', type: 'directory' },
    { name: 'small', bytes: randomBytes(700) },
    { name: 'large', bytes: randomBytes(300_001) },
    { name: 'n'.repeat(140), bytes: randomBytes(20_000) },
    { name: `ünïcode/${'p'.repeat(300)}`, bytes: randomBytes(16_384) },
    { name: 'link', type: 'symlink' },
    { name: 'empty', bytes: Buffer.alloc(0) },
  ])
  const whole = cut([archive])

  const steps = fc.array(
    fc.record({ size: fc.integer({ min: 1, max: 90_000 }), pause: fc.boolean() }),
  )
  fc.assert(
    fc.property(steps, parts => {
      assert.deepEqual(named(cutInParts(archive, parts)), named(whole))
    }),
    { numRuns: 40 },
  )

  assert.ok(Buffer.concat(whole).equals(archive))
})

test('a file of an archive has the chunks that it has by itself', async () => {
  const [first, second] = [randomBytes(1_000_000), randomBytes(16 * 1024)]
  const archive = await tarOf([
    { name: 'first.bin', bytes: first },
    { name: 'notes', bytes: randomBytes(10) },
    { name: 'second.bin', bytes: second },
  ])

  const cuts = new Set(named(cut([archive])))

  const alone = [...named(await plain(first)), ...named(await plain(second))]
  assert.deepEqual(
    alone.filter(digest => !cuts.has(digest)),
    [],
  )
})

test('sizes in pax records and in base 256 are understood', async () => {
  const bytes = randomBytes(40_000)
  const alone = named(await plain(bytes))
  const pax = withPaxSize(bytes)
  const binary = withBinarySize(bytes)

  for (const archive of [pax, binary]) {
    const cuts = named(cut([archive]))
    assert.deepEqual(cuts.slice(1, 1 + alone.length), alone)
  }
})

test('what is no archive is cut as any file is', async () => {
  const noise = randomBytes(600_000)
  const broken = await tarOf([{ name: 'file', bytes: randomBytes(100_000) }])
  broken[148] = 0x37

  for (const bytes of [noise, broken, Buffer.alloc(0), randomBytes(100)]) {
    assert.deepEqual(named(cut([bytes])), named(await plain(bytes)))
  }
})

test('an archive is cut as any file is when that is wanted', async () => {
  const archive = await tarOf([{ name: 'file', bytes: randomBytes(300_000) }])
  const cutter = new TarCutter(PLAIN)

  const cuts = [...cutter.push(archive), ...cutter.end()]

  assert.deepEqual(named(cuts), named(await plain(archive)))
})

test('an archive that turns into something else keeps its bytes', async () => {
  const archive = await tarOf([{ name: 'file', bytes: randomBytes(50_000) }])
  const mixed = Buffer.concat([archive.subarray(0, 512 + 50_176), randomBytes(400_000)])

  const cuts = cut([mixed])

  assert.ok(Buffer.concat(cuts).equals(mixed))
})

test('any bytes at all come out as they went in', () => {
  const blocks = fc.array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 2000 }),
      fc.integer({ min: 0, max: 60_000 }).map(size => headOf('some', size, '0')),
      fc.integer({ min: 0, max: 3000 }).map(size => headOf('some', size, 'x')),
    ),
    { maxLength: 12 },
  )

  fc.assert(
    fc.property(blocks, parts => {
      const cuts = cut(parts)
      assert.ok(Buffer.concat(cuts).equals(Buffer.concat(parts)))
    }),
    { numRuns: 200 },
  )
})

function cut(parts: readonly Uint8Array[]): Buffer[] {
  const cutter = new TarCutter()
  return [...parts.flatMap(part => [...cutter.push(part)]), ...cutter.end()]
}

function cutInParts(bytes: Buffer, parts: { size: number; pause: boolean }[]): Buffer[] {
  const found: Buffer[] = []
  let cutter = new TarCutter()
  let at = 0
  for (const { size, pause } of parts) {
    found.push(...cutter.push(bytes.subarray(at, at + size)))
    at += size
    if (pause) cutter = new TarCutter(asRecord(cutter.pause()))
  }
  return [...found, ...cutter.push(bytes.subarray(at)), ...cutter.end()]
}

/** As the state is kept between two requests. */
function asRecord({ state, tail }: Paused): Paused {
  return { state: JSON.parse(JSON.stringify(state)) as CutState, tail }
}

function named(cuts: readonly Uint8Array[]): string[] {
  return cuts.map(digestOf)
}

async function plain(bytes: Buffer): Promise<Buffer[]> {
  return Array.fromAsync(chunks([bytes]))
}

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const archive = pack()
  for (const { name, bytes, type = 'file' } of members) {
    archive.entry({ name, type, ...(type === 'symlink' && { linkname: 'x' }) }, bytes ?? '')
  }
  archive.finalize()
  return Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>))
}

function headOf(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  return sealed(block)
}

function sealed(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function withPaxSize(bytes: Buffer): Buffer {
  const records = Buffer.from(`16 comment=abcd\n14 size=${bytes.length}\n`)
  const padded = Buffer.concat([records], 512)
  return Buffer.concat([headOf('pax', records.length, 'x'), padded, headOf('a', 0, '0'), bytes])
}

function withBinarySize(bytes: Buffer): Buffer {
  const head = headOf('a', 0, '0')
  head.fill(0, 124, 136)
  head[124] = 0x80
  head.writeUInt32BE(bytes.length, 132)
  return Buffer.concat([sealed(head), bytes])
}
