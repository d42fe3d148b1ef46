/** The outcome of a training: what it wrote, stored. */
import { lstatSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrialWork } from '../../api/attempts.ts'
import { isKaosError } from '../../api/errors.ts'
import { sendFolder } from '../../api/transfer/send.ts'
import { emptyFolder } from '../remove-folder.ts'
import type { Exit, Running } from '../runner.ts'
import { writeForced } from './forced.ts'
import { followMetrics } from './metrics.ts'
import { adopted, begun, endOf, runOrder } from './programs.ts'
import type { Outcome, Work } from './work.ts'

const SEE = 'see: kaos train logs'

export async function trialOutcome(work: Work, order: TrialWork): Promise<Outcome> {
  const running = work.resumed ? await adopted(work) : await begin(work, order)
  const { startedAt, environment } = running
  work.lease.set({ phase: 'running', startedAt })
  const saying = followMetrics(work, order.output)
  let warnings: readonly string[] = []
  const exit = await endOf(work, running).finally(async () => {
    warnings = await saying.end()
  })
  for (const warning of warnings) work.log.line(warning)
  const { usage } = work.lease
  const common = {
    startedAt: exit.startedAt,
    finishedAt: exit.finishedAt,
    environment,
    ...(exit.exit === undefined ? {} : { exit: exit.exit }),
    ...(exit.outOfMemory === undefined ? {} : { outOfMemory: exit.outOfMemory }),
    ...(usage === undefined ? {} : { usage }),
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
  }
  if (exit.state !== 'succeeded') {
    const reason = reasonOf(exit)
    return { ...common, state: exit.state, ...(reason === undefined ? {} : { reason }) }
  }
  work.lease.set({ phase: 'collecting', startedAt })
  return { ...common, ...(await collect(work, order)) }
}

async function begin(work: Work, order: TrialWork): Promise<Running> {
  const { folder, runner } = work
  await emptyFolder(folder.out)
  await writeHyper(folder.hyper, order.hyper)
  const data: { name: string; path: string }[] = []
  for (const { name, tree } of order.data) data.push({ name, path: await work.tree(tree) })
  const run = await runOrder(work, order.image, order.resources)
  const { output } = order
  const forced = order.forced && (await writeForced(folder.forced, order.forced))
  work.lease.halted.throwIfAborted()
  const shown = { data, hyper: folder.hyper, out: folder.out, output }
  return begun(work, () => runner.run({ ...run, ...shown, ...forced }, folder.place))
}

/** The original's layout: `<hash>/<point>.json`; without a grid a file that no `*.json` finds. */
async function writeHyper(folder: string, hyper: TrialWork['hyper']): Promise<void> {
  await emptyFolder(folder)
  if (hyper === undefined) {
    await writeFile(join(folder, 'params.null'), '{}')
    return
  }
  const below = join(folder, hyper.hash)
  await mkdir(below)
  await writeFile(join(below, hyper.file), hyper.text ?? JSON.stringify(hyper.values))
}

function reasonOf({ exit, reason, state }: Exit): string | undefined {
  if (state !== 'failed') return reason
  if (exit === undefined) return reason ?? `the training failed; ${SEE}`
  const because = reason === undefined ? '' : `: ${reason}`
  return `the training ended with exit code ${exit}${because}; ${SEE}`
}

async function collect(
  work: Work,
  order: TrialWork,
): Promise<Pick<Outcome, 'state' | 'reason' | 'output'>> {
  const { folder, lease } = work
  const options = { ignores: () => false, signal: lease.halted, outbox: work.outbox }
  try {
    const path = join(folder.out, order.output)
    const written = lstatSync(path, { throwIfNoEntry: false })
    if (written === undefined) return await nothingWritten(folder.out, order.output)
    // A link would be followed here, on the worker's host: to files that the program may not see.
    if (!written.isDirectory()) return noFolder(order.output, written.isSymbolicLink())
    const sent = await sendFolder(path, work.channel, options)
    if (sent.files === 0) return await nothingWritten(folder.out, order.output)
    return { state: 'succeeded', output: sent.tree }
  } catch (error) {
    if (!isKaosError(error, 'INVALID_BUNDLE')) throw error
    const reason = `the training ended well, but what it wrote cannot be kept: ${error.message}`
    return { state: 'failed', reason }
  }
}

function noFolder(output: string, link: boolean) {
  const what = link ? 'a symbolic link' : 'a file'
  const reason =
    `the training ended well, but left ${what} in place of the folder /pfs/out/${output}: ` +
    'write the model below the folder that the program gets as its first argument'
  return { state: 'failed', reason } as const
}

async function nothingWritten(out: string, output: string) {
  const beside = (await readdir(out)).filter(name => name !== output)
  const instead =
    beside.length === 0 ? '' : ` (it wrote ${beside.slice(0, 3).join(', ')} beside it)`
  const reason =
    `the training ended well but wrote nothing to /pfs/out/${output}${instead}: ` +
    'write the model below the folder that the program gets as its first argument'
  return { state: 'failed', reason } as const
}
