/** The outcome of a build: the bundle's image, stored. */
import { mkdir } from 'node:fs/promises'
import type { BuildWork } from '../../api/attempts.ts'
import { sendFolder } from '../../api/transfer/send.ts'
import { present } from './programs.ts'
import type { Outcome, Work } from './work.ts'

export async function buildOutcome(work: Work, order: BuildWork): Promise<Outcome> {
  const { folder, lease, log, runner } = work
  // A build cannot be adopted; the server lets it be tried again.
  if (work.resumed) throw new Error('the worker ended while it built the image')
  const source = await work.tree(order.source)
  const startedAt = new Date().toISOString()
  await mkdir(folder.place.dir, { recursive: true })
  lease.set({ phase: 'running', startedAt })
  const { purpose, image: name, buildArgs, fresh = false } = order
  const recipe = { purpose, image: name, source, buildArgs, fresh }
  const built = await present(work, () =>
    runner.build(recipe, folder.place, line => log.line(line), lease.halted),
  )
  const finishedAt = () => new Date().toISOString()
  if (built.state === 'failed') {
    log.line(built.reason)
    return { state: 'failed', reason: built.reason, startedAt, finishedAt: finishedAt() }
  }
  lease.set({ phase: 'collecting', startedAt })
  const sent = await sendFolder(built.folder, work.channel, {
    ignores: () => false,
    signal: lease.halted,
  })
  const { environment, kind, labels, manifest } = built
  const image = {
    name,
    kind,
    tree: sent.tree,
    program: order.program,
    labels: { ...labels },
    ...(manifest === undefined ? {} : { manifest }),
  }
  return { state: 'succeeded', startedAt, finishedAt: finishedAt(), image, environment }
}
