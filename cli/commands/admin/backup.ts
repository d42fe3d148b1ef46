import { resolve } from 'node:path'
import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { DONE } from '../../look.ts'
import { Flags } from '../../options.ts'
import { programPath } from '../../package-root.ts'
import { byteText, countText } from '../../times.ts'

interface Made {
  folder: string
  moment: string
  size: number
  root: string
  secretKeyFile: string
  objects: number
  bytes: number
  copied: { objects: number; bytes: number }
  missing: string[]
  trouble?: string
  dropped: string[]
}

export default class AdminBackup extends KaosCommand {
  static override description =
    'Copies the whole installation into a folder on this machine while everything runs: the ledger as it is at one moment, verified against its signed checkpoint, then every object that it needs and the folder does not have yet. Broken off, the next one goes on. Secrets stay sealed under the secret key of the server, which is not in the backup: keep a copy of it somewhere else.'
  static override examples = [
    '<%= config.bin %> admin backup -o /mnt/backup/kaos',
    '<%= config.bin %> admin backup -o /mnt/backup/kaos --keep 30   # every night, from cron',
  ]
  static override flags = {
    out: Flags.string({
      char: 'o',
      summary: 'folder of the backups; each brings only what is new',
      helpValue: 'DIR',
      required: true,
    }),
    keep: Flags.integer({ summary: 'afterwards keep only the newest so many', min: 1 }),
  }

  async run(): Promise<Made> {
    const { flags } = await this.parse(AdminBackup)
    const { client, settings } = await this.session()
    const { resultOf } = await import('../../program.ts')
    const place = { endpoint: client.endpoint, token: settings.token.value }
    const order = { what: 'copy', folder: resolve(flags.out), place, keep: flags.keep }
    const made = await resultOf<Made>(programPath('server/backup/main'), order, {
      ca: settings.ca.value,
      tell: text => this.note(text),
    })
    this.show(made)
    if (made.missing.length === 0 && made.trouble === undefined) return made
    const lost = countText(made.missing.length, 'object')
    const why = made.trouble ?? `${lost} could not be read on the server`
    const next = 'the rest is in the backup; see what is damaged with: kaos admin fsck --wait'
    throw new KaosError('OBJECT_DAMAGED', `${why}; ${next}`, { detail: { backup: made } })
  }

  private show({ folder, moment, size, root, objects, bytes, copied, ...rest }: Made): void {
    this.result(` ${DONE} ${countText(size, 'statement')}, root ${root}`)
    const all = `${countText(objects, 'object')} of ${byteText(bytes)}`
    this.result(` ${DONE} ${all}; copied now: ${copied.objects} of ${byteText(copied.bytes)}`)
    for (const name of rest.dropped) this.result(` - ${name} went`)
    this.info(`the backup ${moment} is in ${folder}`)
    this.info(`keep beside it, but not in it, a copy of the server's ${rest.secretKeyFile}`)
    this.info(`check it with: kaos ledger verify --backup ${folder}`)
  }
}
