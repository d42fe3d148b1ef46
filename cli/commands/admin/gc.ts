import { KaosError } from '../../../api/errors.ts'
import type { GcRun } from '../../../api/wire.ts'
import { KaosCommand, type Session } from '../../base.ts'
import { amountText, parseDuration, runEnd } from '../../care.ts'
import { Flags } from '../../options.ts'
import { byteText, countText, localTime } from '../../times.ts'

/** Entities shown of a dry run; --json has a hundred. */
const SHOWN = 20

export default class AdminGc extends KaosCommand {
  static override description =
    'What somebody pushed, no job used, and no version, tag or deployment names any more goes. It runs beside normal work; nothing has to be stopped. A removed version can be brought back until a collection has run: afterwards its folder has to be pushed again.'
  static override examples = [
    '<%= config.bin %> admin gc --dry_run',
    '<%= config.bin %> admin gc --grace 7d --wait',
  ]
  static override flags = {
    dry_run: Flags.boolean({ summary: 'say what would go, and take nothing' }),
    grace: Flags.string({
      summary: 'what is younger stays: 0, 90m, 1h, 7d',
      default: '1h',
      helpValue: 'DURATION',
    }),
    wait: Flags.boolean({ summary: 'wait for the end; exit 1 when it fails' }),
    status: Flags.boolean({
      summary: 'show the one that runs, or the last',
      exclusive: ['dry_run'],
    }),
  }

  async run(): Promise<GcRun | { run: null }> {
    const { flags } = await this.parse(AdminGc)
    const graceSeconds = parseDuration(flags.grace)
    const session = await this.session()
    if (!flags.status) {
      await session.client.post<GcRun>('/admin/gc', { dryRun: flags.dry_run, graceSeconds })
    }
    const wait = flags.wait || flags.dry_run
    const run = wait ? await this.ended(session) : await last(session)
    if (run === null) {
      this.caution('there was no collection yet; begin one with kaos admin gc')
      return { run }
    }
    if (run.state === 'failed' && wait) {
      throw new KaosError('UNAVAILABLE', `the collection ended: ${run.error}`, { detail: { run } })
    }
    this.show(run)
    return run
  }

  private async ended(session: Session): Promise<GcRun> {
    return runEnd(
      async () => (await last(session))!,
      run => `${run.phase}${run.seen > 0 ? `: ${run.seen}` : ''}`,
      text => this.note(text),
      'the collection goes on; see it with: kaos admin gc --status',
    )
  }

  private show(run: GcRun): void {
    const { state, dryRun, going, kept, spared, freedBytes, finishedAt } = run
    if (state === 'running') {
      this.info(`the collection runs (${run.phase}); see it with kaos admin gc --status`)
      return
    }
    if (state === 'failed') this.caution(`the collection ended: ${run.error}`)
    const when = finishedAt === null ? '' : ` at ${localTime(finishedAt)}`
    const what = dryRun ? 'would go' : `went${when}`
    this.info(`${amountText(going)} ${what}; ${amountText(kept)} stay`)
    if (spared > 0) this.info(`${countText(spared, 'object')} was named again meanwhile and stays`)
    const later = freedBytes < going.bytes ? '; the rest is when its packs are mostly empty' : ''
    if (!dryRun) this.info(`${byteText(freedBytes)} were given back to the disk${later}`)
    if (run.workspaces.length > 0) this.table(workspaceTable(run))
    if (dryRun && run.entities.length > 0) this.table(entityTable(run))
  }
}

async function last({ client }: Session): Promise<GcRun | null> {
  return (await client.get<{ run: GcRun | null }>('/admin/gc')).run
}

function workspaceTable({ workspaces }: GcRun) {
  const rows = workspaces.map(({ workspace, entities, objects, bytes }) => {
    return [workspace ?? '(sent, and never kept)', entities, objects, byteText(bytes)]
  })
  return { columns: ['workspace', 'versions', 'objects', 'bytes'], rows }
}

function entityTable({ entities }: GcRun) {
  const rows = entities.slice(0, SHOWN).map(({ workspace, kind, name, bytes }) => {
    return [workspace, kind, name, byteText(bytes)]
  })
  return { title: 'WOULD GO', columns: ['workspace', 'kind', 'name', 'bytes'], rows }
}
