/* An attacker has the store's folder and makes every checksum in it fit what he wrote. What he cannot
 * change are the digests by which the ledger names things: whatever he does to an object that the
 * ledger names, a check finds it damaged, or it is not here any more. */
import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { digestOf, rawOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { decodeSegment, encodeSegment, type Placed } from '../../store/packed/segments.ts'
import { type Chance, chanceOf } from '../graph/random.ts'
import { noise } from './bytes.ts'
import { temporaryFolder } from './folders.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 200)
const named = Array.from({ length: 20 }, (_, i) => noise(500 + i, i + 1))
const digests = named.map(digestOf)

/** A pack and its segment, taken apart. */
interface Opened {
  bytes: Buffer
  objects: Placed[]
}

/** Each changes what is said of one object, and makes the rest fit. `null`: both files go. */
const TAMPERINGS: Record<string, (pack: Opened, at: number, chance: Chance) => Opened | null> = {
  'an object is edited': ({ bytes, objects }, at, chance) => {
    const { offset, length } = objects[at]!
    bytes[offset + chance(length)]! ^= 1 << chance(8)
    return { bytes, objects }
  },
  'an object is edited and listed by its new digest': ({ bytes, objects }, at, chance) => {
    const { offset, length } = objects[at]!
    bytes[offset + chance(length)]! ^= 1 << chance(8)
    const raw = rawOf(digestOf(bytes.subarray(offset, offset + length)))
    return { bytes, objects: objects.with(at, { raw, offset, length }) }
  },
  'an object is said to lie where another does': ({ bytes, objects }, at, chance) => {
    const { raw } = objects[at]!
    const other = objects[(at + 1 + chance(objects.length - 1)) % objects.length]!
    return { bytes, objects: objects.with(at, { ...other, raw }) }
  },
  'an object is said to be shorter': ({ bytes, objects }, at, chance) => {
    const { length } = objects[at]!
    bytes.writeUInt32BE(length - 1 - chance(length - 1), objects[at]!.offset - 4)
    const shorter = { ...objects[at]!, length: bytes.readUInt32BE(objects[at]!.offset - 4) }
    return { bytes, objects: objects.with(at, shorter) }
  },
  'an object is left out of the list': ({ bytes, objects }, at) => {
    return { bytes, objects: objects.toSpliced(at, 1) }
  },
  'the pack and its list are taken away': () => null,
}

test(`a store in the hands of an attacker is found out in each of ${ROUNDS} tamperings`, async t => {
  const sound = join(await temporaryFolder(t), 'sound')
  const store = await openFilesystemStore(sound)
  await store.put(named)
  await store.close()
  const names = Object.keys(TAMPERINGS)
  const found: Record<string, number> = {}

  for (let round = 0; round < ROUNDS; round++) {
    const chance = chanceOf(round)
    const name = names[round % names.length]!
    const folder = join(sound, '..', 'tampered')
    await cp(sound, folder, { recursive: true })
    await tampered(join(folder, 'packs'), TAMPERINGS[name]!, chance)
    // The cache of what the files say goes as well, or stays as it was.
    if (chance(2) === 0) await rm(join(folder, 'index.sqlite'))

    const opened = await openFilesystemStore(folder)
    const damage = (await Array.fromAsync(opened.check())).filter(one => one.kind !== 'step')
    const here = await opened.has(digests)
    await opened.close()

    assert.ok(damage.length > 0 || !here.every(Boolean), `round ${round}: ${name} was not found`)
    found[name] = (found[name] ?? 0) + 1
    await rm(folder, { recursive: true })
  }
  t.diagnostic(`promise packs changes=${ROUNDS} found=${JSON.stringify(found)}`)
  assert.ok(names.every(name => found[name]! > 0))
})

async function tampered(
  packs: string,
  tamper: (pack: Opened, at: number, chance: Chance) => Opened | null,
  chance: Chance,
): Promise<void> {
  const [segment] = (await readdir(packs)).filter(name => name.endsWith('.idx'))
  const id = segment!.slice(0, -4)
  const [pack, list] = [join(packs, `${id}.pack`), join(packs, segment!)]
  const objects = decodeSegment(id, await readFile(list))!
  const made = tamper({ bytes: await readFile(pack), objects }, chance(objects.length), chance)
  await rm(pack)
  await rm(list)
  if (made === null) return
  await writeFile(pack, made.bytes)
  await writeFile(list, encodeSegment(id, made.objects))
}
