/** The process runner as the suite wants it, with a cache of its own. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../../api/digest.ts'
import { EMPTY_TREE } from '../../../api/tree.ts'
import { openProcessRunner, type ProcessRunnerOptions } from '../../../runners/process/process.ts'
import { aliveOnThisHost, type Prepared, type RunnerFixture } from '../fixture.ts'

export async function openProcessFixture(
  without: NonNullable<ProcessRunnerOptions['without']>,
): Promise<RunnerFixture> {
  const base = await mkdtemp(join(tmpdir(), 'kaos-process-'))
  const options = { cache: join(base, 'cache'), without }
  const runner = await openProcessRunner(options)
  const { notes } = await runner.capabilities()
  const never = new AbortController().signal

  const image = async (program: string): Promise<Prepared> => {
    const source = await mkdtemp(join(base, 'source-'))
    await symlink(program, join(source, 'model'))
    const place = { attempt: source, dir: join(source, 'build') }
    await mkdir(place.dir)
    const order = { purpose: 'train', image: 'build-train-x:e23a2', source, buildArgs: {} } as const
    const built = await runner.build(order, place, () => {}, never)
    if (built.state === 'failed') throw new Error(built.reason)
    const { folder, kind, labels } = built
    const name = 'build-train-x:e23a2'
    return {
      image: { name, kind, tree: digestOf(folder), program: EMPTY_TREE, labels: { ...labels } },
      layout: async () => folder,
    }
  }
  return {
    runner,
    opener: {
      module: new URL('../../../runners/process/process.ts', import.meta.url).href,
      name: 'openProcessRunner',
      options,
    },
    view: notes.some(note => note.includes('private view')) ? 'private' : 'variables',
    image,
    alive: aliveOnThisHost,
    close: async () => {
      await runner.close()
      await rm(base, { recursive: true, force: true })
    },
  }
}
