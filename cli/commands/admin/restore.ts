import { resolve } from 'node:path'
import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { DONE } from '../../look.ts'
import { Args, Flags } from '../../options.ts'
import { programPath } from '../../package-root.ts'
import { byteText, countText, localTime } from '../../times.ts'

interface Shown {
  moment: string
  at: string
  size: number
  root: string
  objects: number
  bytes: number
}

interface Restored extends Shown {
  data: string
  missing: string[]
}

export default class AdminRestore extends KaosCommand {
  static override description =
    'Works on this machine, while no server runs, with the settings of kaos up: a backup of any back ends can be restored into any others (KAOS_NEO4J_URL, KAOS_S3_ENDPOINT …). Refuses an installation that holds anything. The secret key has to be there first. Broken off, the same command goes on.'
  static override examples = [
    '<%= config.bin %> admin restore /mnt/backup/kaos --data /srv/kaos',
    '<%= config.bin %> admin restore /mnt/backup/kaos --list',
  ]
  static override args = {
    folder: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'folder of the backups',
    }),
  }
  static override flags = {
    data: Flags.string({ summary: 'data folder of the server (also KAOS_DATA)', helpValue: 'DIR' }),
    moment: Flags.string({
      summary: 'which backup; the newest if none is named',
      helpValue: 'NAME',
    }),
    list: Flags.boolean({
      summary: 'show the backups in the folder',
      exclusive: ['data', 'moment'],
    }),
  }

  async run(): Promise<Restored | { moments: Shown[] }> {
    const { flags, args } = await this.parse(AdminRestore)
    const folder = resolve(args.folder)
    const { resultOf } = await import('../../program.ts')
    const program = programPath('server/backup/main')
    const tell = (text: string) => this.note(text)
    if (flags.list) {
      const found = await resultOf<{ moments: Shown[] }>(
        program,
        { what: 'list', folder },
        { tell },
      )
      this.table(listed(found.moments))
      return found
    }
    const { data, moment } = flags
    const order = { what: 'restore', folder, moment, data: data && resolve(data) }
    const restored = await resultOf<Restored>(program, order, { tell })
    const { size, root, objects, bytes, missing } = restored
    this.result(` ${DONE} ${countText(size, 'statement')}, root ${root}: the same as in the backup`)
    this.result(` ${DONE} ${countText(objects, 'object')} of ${byteText(bytes)}`)
    this.info(`start it with: kaos up --data ${restored.data}; then: kaos admin fsck --wait`)
    if (missing.length === 0) return restored
    const lost = `${countText(missing.length, 'object')} could not be read from the backup`
    throw new KaosError('OBJECT_DAMAGED', `${lost}; everything else is restored`, {
      detail: { restored },
    })
  }
}

function listed(moments: readonly Shown[]) {
  const rows = moments.map(({ moment, at, size, root, objects, bytes }) => {
    return [
      moment,
      localTime(at),
      String(size),
      root.slice(0, 16),
      String(objects),
      byteText(bytes),
    ]
  })
  return { columns: ['moment', 'at', 'statements', 'root', 'objects', 'bytes'], rows }
}
