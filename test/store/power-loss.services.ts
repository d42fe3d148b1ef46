/* Loses the power of a real file system: a store on an ext4 image is written to, the writer is stopped
 * in the middle, and the image is copied as it is on the disk below. What the kernel holds in memory
 * is not in the copy, as after a power loss. Needs root for the mounts; KAOS_TEST_ROUNDS for more
 * rounds. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type TestContext } from 'node:test'
import { type Digest, digestOf } from '../../api/digest.ts'
import { openFilesystemStore } from '../../store/filesystem.ts'
import { damageFound } from './conformance.ts'

const ROUNDS = Number(process.env.KAOS_TEST_ROUNDS ?? 10)
const SIZE = '384M'
/** So many rounds write more and more before the power goes; what the longest writes fits the image. */
const LENGTHS = 20

test(`in ${ROUNDS} power losses nothing that was acknowledged is lost`, async t => {
  let [acked, lost] = [0, 0]

  for (let round = 0; round < ROUNDS; round++) {
    const lines = 10 + (round % LENGTHS) * 13
    const found = await losePower(t, { round, lines, syncs: true })
    acked += found.acknowledged
    lost += found.lost.length
    assert.deepEqual(found.lost, [], `round ${round}`)
    assert.deepEqual(found.damaged, [], `round ${round}`)
  }

  console.log(`promise power-loss rounds=${ROUNDS} acked=${acked} lost=${lost}`)
  assert.ok(acked > ROUNDS * 10)
})

test('a writer that leaves out the syncs loses what it acknowledged: the test above bites', async t => {
  const found = await losePower(t, { round: 0, lines: 40, syncs: false })

  console.log(`promise power-loss-twin acked=${found.acknowledged} lost=${found.lost.length}`)
  assert.ok(found.lost.length > 0)
})

interface Round {
  readonly round: number
  /** Acknowledgements before the power is lost. */
  readonly lines: number
  readonly syncs: boolean
}

async function losePower(t: TestContext, { round, lines, syncs }: Round) {
  const disk = mountedImage(t)
  const writer = spawn(
    process.execPath,
    [join(import.meta.dirname, 'writer.ts'), disk.store, `${round}`, syncs ? 'sync' : 'no-sync'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  disk.before(() => killed(writer))
  const digests = [...(await readUntilStopped(writer, lines))]
  const store = await openFilesystemStore(disk.copy())
  disk.before(() => store.close())
  const here = await store.has(digests)
  for (const [i, digest] of digests.entries()) {
    if (here[i]) assert.equal(digestOf(await store.get(digest)), digest)
  }
  const lost = digests.filter((_, i) => !here[i])
  const damaged = await damageFound(store)
  await disk.dispose()
  return { acknowledged: digests.length, lost, damaged }
}

/** What the writer had acknowledged when it was stopped in the middle of its work. It is not killed:
 * the kernel is left with what it has not written. */
async function readUntilStopped(writer: ChildProcess, lines: number): Promise<Set<Digest>> {
  const acknowledged = new Set<Digest>()
  let left = lines
  for await (const line of createInterface({ input: writer.stdout! })) {
    for (const digest of line.split(' ')) acknowledged.add(digest as Digest)
    if (--left > 0) continue
    writer.kill('SIGSTOP')
    return acknowledged
  }
  throw new Error('the writer ended too early')
}

async function killed(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null || writer.signalCode !== null) return
  const gone = once(writer, 'exit')
  writer.kill('SIGKILL')
  await gone
}

/** An ext4 file system in a file, mounted; and a copy of it, as the disk below has it. */
function mountedImage(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'kaos-power-'))
  const [image, copy] = [join(folder, 'image'), join(folder, 'copy')]
  /** Undone from the last to the first. */
  const done: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const dispose = async () => {
    for (let undo = done.pop(); undo !== undefined; undo = done.pop()) await undo()
  }
  t.after(dispose)
  const mount = (file: string, name: string): string => {
    const place = join(folder, name)
    mkdirSync(place)
    // The file system writes nothing on its own account within the time of a test.
    run('mount', ['-o', 'loop,commit=300', file, place])
    done.push(() => run('umount', [place]))
    return place
  }
  run('truncate', ['-s', SIZE, image])
  run('mkfs.ext4', ['-q', '-F', image])
  const mounted = mount(image, 'mounted')
  run('sync', ['-f', mounted])
  return {
    store: join(mounted, 'store'),
    copy() {
      run('cp', ['--sparse=always', image, copy])
      return join(mount(copy, 'after'), 'store')
    },
    /** Something to be done before the file systems go. */
    before: (undo: () => unknown) => done.push(undo),
    dispose,
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
