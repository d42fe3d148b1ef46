import { KaosError } from '../../../api/errors.ts'
import type { Affected, FsckRun, ScrubView } from '../../../api/wire.ts'
import { KaosCommand, type Session } from '../../base.ts'
import { runEnd } from '../../care.ts'
import { Flags } from '../../options.ts'
import { byteText, countText, localTime } from '../../times.ts'

interface Status {
  run: FsckRun | null
  scrub: ScrubView
}

/** Affected things shown; --json has more. */
const SHOWN = 20

export default class AdminFsck extends KaosCommand {
  static override description =
    'Reads every byte of the store, looks for everything that the ledger speaks of, and says what each damaged or missing object affects and how to heal it. It changes nothing and can run at any time. Pushing the right bytes again heals.'
  static override examples = [
    '<%= config.bin %> admin fsck --wait',
    '<%= config.bin %> admin fsck --status',
  ]
  static override flags = {
    resume: Flags.boolean({ summary: 'go on where the last one was broken off' }),
    wait: Flags.boolean({ summary: 'wait for the end; exit 1 when something is damaged' }),
    status: Flags.boolean({
      summary: 'show the one that runs, or the last',
      exclusive: ['resume'],
    }),
  }

  async run(): Promise<Status> {
    const { flags } = await this.parse(AdminFsck)
    const session = await this.session()
    if (!flags.status) await session.client.post('/admin/fsck', { resume: flags.resume })
    const run = flags.wait ? await this.ended(session) : (await status(session)).run
    const { scrub } = await status(session)
    if (run === null) this.caution('there was no check yet; begin one with kaos admin fsck')
    else this.show(run)
    this.info(scrubText(scrub))
    if (flags.wait && run !== null && run.state !== 'clean') throw unclean(run)
    return { run, scrub }
  }

  private async ended(session: Session): Promise<FsckRun> {
    return runEnd(
      async () => (await status(session)).run!,
      progressOf,
      text => this.note(text),
      'the check goes on; see it with: kaos admin fsck --status',
    )
  }

  private show(run: FsckRun): void {
    if (run.state === 'running') {
      this.info(`the check runs: ${progressOf(run)}; see it with kaos admin fsck --status`)
      return
    }
    for (const { file, reason } of run.files?.slice(0, SHOWN) ?? []) {
      this.caution(`${file} of the store ${reason}; it is made anew, and costs no object`)
    }
    const when = run.finishedAt === null ? '' : ` at ${localTime(run.finishedAt)}`
    const things = run.entities === 1 ? '1 entity' : `${run.entities} entities`
    const read = `${byteText(run.bytes)} were read and ${things} looked for`
    if (run.state === 'clean') this.info(`clean: ${read}; it ended${when}`)
    else if (run.state === 'stopped') {
      this.caution(`the check was broken off after ${byteText(run.bytes)}; go on with --resume`)
    } else if (run.state === 'failed') this.caution(`the check failed: ${run.error}`)
    else this.showDamage(run)
  }

  private showDamage(run: FsckRun): void {
    this.caution(`${countText(run.found, 'object')} damaged or missing`)
    const rows = run.findings.slice(0, SHOWN).map(({ digest, reason, affects, entities }) => {
      return [digest.slice(0, 19), reason, entities.join('\n') || 'nothing that is kept', affects]
    })
    this.table({ columns: ['object', 'what', 'needed by', 'in all'], rows })
    for (const one of run.affected.slice(0, SHOWN)) for (const line of lines(one)) this.result(line)
  }
}

async function status({ client }: Session): Promise<Status> {
  return client.get<Status>('/admin/fsck')
}

function progressOf({ phase, bytes, totalBytes, entities, found }: FsckRun): string {
  const bad = found === 0 ? '' : `, ${found} damaged or missing`
  if (phase !== 'reading') return `looking for what the ledger speaks of: ${entities}${bad}`
  const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((100 * bytes) / totalBytes))
  return `reading: ${byteText(bytes)} of ${byteText(totalBytes)} (${percent}%)${bad}`
}

function lines({ kind, name, workspace, places, jobs, endpoints, heal }: Affected): string[] {
  const where = workspace === null ? '' : ` of workspace ${workspace}`
  return [
    `${kind} ${name}${where}`,
    ...(places.length > 0 ? [`  named ${places.join(', ')}`] : []),
    ...(jobs.length > 0 ? [`  jobs ${jobs.join(', ')}`] : []),
    ...(endpoints.length > 0 ? [`  endpoints ${endpoints.join(', ')}`] : []),
    `  to heal it: ${heal}`,
  ]
}

function scrubText({ days, finishedAt, bytes, found }: ScrubView): string {
  if (days === 0) return 'stored bytes are not read by themselves (KAOS_SCRUB_DAYS is 0)'
  const every = `every stored byte is read in ${countText(days, 'day')}`
  const last =
    finishedAt === null ? `${byteText(bytes)} of this round so far` : 'the last round ended'
  const when = finishedAt === null ? '' : ` at ${localTime(finishedAt)}`
  return `${every}; ${last}${when}${found > 0 ? `, ${found} damaged` : ''}`
}

function unclean(run: FsckRun): KaosError {
  if (run.state !== 'damaged') {
    return new KaosError('OBJECT_DAMAGED', `the check did not end: ${run.error ?? run.state}`)
  }
  const message = `${countText(run.found, 'stored object')} damaged or missing`
  return new KaosError('OBJECT_DAMAGED', message, { detail: { run } })
}
