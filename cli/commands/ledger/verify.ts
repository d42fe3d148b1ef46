import { resolve } from 'node:path'
import { KaosError } from '../../../api/errors.ts'
import type { ErasedView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { environment } from '../../config.ts'
import { DONE } from '../../look.ts'
import { Flags } from '../../options.ts'
import { countText } from '../../times.ts'

interface Outcome {
  size: number
  root: string
  before: number | null
  findings: string[] | null
}

export default class LedgerVerify extends KaosCommand {
  static override description =
    'Checks the signature of the checkpoint, and that the log only grew since it was last seen from here. With --full the server rehashes every statement and compares leaves, root and graph. With --backup the same is done with a backup, without any server, and everything that it needs is looked for.'
  static override examples = [
    '<%= config.bin %> ledger verify',
    '<%= config.bin %> ledger verify --full',
    '<%= config.bin %> ledger verify --backup /mnt/backup/kaos --content',
  ]
  static override flags = {
    full: Flags.boolean({ summary: 'let the server check every statement (administrators)' }),
    backup: Flags.string({
      summary: 'check a folder of kaos admin backup instead',
      helpValue: 'DIR',
      exclusive: ['full'],
    }),
    moment: Flags.string({
      summary: 'which backup of the folder; the newest if none is named',
      helpValue: 'NAME',
    }),
    content: Flags.boolean({
      summary: 'read every byte of the backup as well',
    }),
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.parse(LedgerVerify)
    if (flags.backup !== undefined) {
      const { backup, moment, content } = flags
      return this.backup({ folder: resolve(backup), moment, content })
    }
    if (flags.moment !== undefined || flags.content) {
      throw new KaosError(
        'USAGE',
        '--moment and --content are of a backup; name it with --backup DIR',
      )
    }
    const { client } = await this.session()
    const { witness } = await import('../../witness.ts')
    const { checkpoint, before } = await witness(client, environment().stateHome)
    const { size, root } = checkpoint
    this.result(` ${DONE} signed checkpoint: ${countText(size, 'statement')}, root ${root}`)
    if (before === undefined) this.info('seen for the first time from here: it is remembered now')
    else this.result(` ${DONE} same history as when it had ${countText(before, 'statement')}`)
    if (!flags.full) return { size, root, before: before ?? null, findings: null }
    const { findings } = await client.post<{ findings: string[] }>('/ledger/verify')
    for (const finding of findings) this.result(` - ${finding}`)
    if (findings.length > 0) {
      const message = `the ledger is not what its log says: ${countText(findings.length, 'difference')}`
      throw new KaosError('LEDGER_DAMAGED', `${message}; restore it from a backup`)
    }
    this.result(` ${DONE} every statement, leaf and edge is what the log says`)
    const { erasures } = await client.get<{ erasures: ErasedView[] }>('/admin/ledger/erasures')
    if (erasures.length > 0) {
      const next = 'see: kaos admin ledger erasures'
      this.result(` - ${countText(erasures.length, 'statement')} erased by law; ${next}`)
    }
    return { size, root, before: before ?? null, findings }
  }

  private async backup(asked: { folder: string; moment: string | undefined; content: boolean }) {
    const { checkedBackup } = await import('../../backups.ts')
    const stateHome = environment().stateHome
    const checked = await checkedBackup(asked, stateHome, text => this.note(text))
    const { size, root, before, findings, objects } = checked
    if (findings.length > 0) {
      for (const finding of findings) this.result(` - ${finding}`)
      const message = `the backup is not what it says: ${countText(findings.length, 'difference')}`
      throw new KaosError('LEDGER_DAMAGED', `${message}; make another one`, {
        detail: { ...checked },
      })
    }
    const read = asked.content ? ', each read' : ''
    this.result(` ${DONE} signed checkpoint: ${countText(size, 'statement')}, root ${root}`)
    this.result(` ${DONE} every statement, leaf and edge is what the log says`)
    this.result(
      ` ${DONE} everything that it needs is there: ${countText(objects, 'object')}${read}`,
    )
    if (before === null) this.info('this installation was never seen from here')
    else this.result(` ${DONE} same history as when it had ${countText(before, 'statement')}`)
    return { size, root, before, findings: [...findings] }
  }
}
