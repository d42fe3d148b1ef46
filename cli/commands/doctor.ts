import { resolve } from 'node:path'
import { KaosError } from '../../api/errors.ts'
import type { DoctorFinding as Finding } from '../../api/wire.ts'
import { KaosCommand } from '../base.ts'
import { hostFindings, serverFindings } from '../doctor.ts'
import { Flags } from '../options.ts'
import { countText } from '../times.ts'

const SIGNS = { good: '✔', warning: '!', bad: '✗' } as const

export default class Doctor extends KaosCommand {
  static override description =
    'Asks the connected server about its parts, and compares versions and clocks. Where none answers, or with --host, it looks at this machine with the settings of kaos up: data folder, disk, ledger, secret key, certificate, runner, and Neo4j, S3 and Redis if they are set. Exit 1 when something is bad.'
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --host --data /srv/kaos',
  ]
  static override flags = {
    host: Flags.boolean({ summary: 'look at this machine, though a server answers' }),
    data: Flags.string({
      summary: 'data folder of the server (also KAOS_DATA)',
      helpValue: 'DIR',
    }),
    full: Flags.boolean({
      summary: 'let the server check every statement of the ledger as well',
      exclusive: ['host'],
    }),
  }

  async run(): Promise<{ findings: Finding[] }> {
    const { flags } = await this.parse(Doctor)
    const { host, full } = flags
    const data = flags.data && resolve(flags.data)
    const known = this.settings.endpoint.value
    const server = host || known === undefined ? [] : await this.server(full)
    const answers = server.some(one => one.part !== 'server')
    const here = answers && data === undefined ? [] : await hostFindings(data)
    const findings = [...server, ...here]
    this.show(findings)
    const wrong = findings.filter(one => one.state === 'bad')
    if (wrong.length === 0) return { findings }
    const parts = [...new Set(wrong.map(one => one.part))].join(', ')
    const message = `${countText(wrong.length, 'thing')} to mend: ${parts}`
    throw new KaosError('UNAVAILABLE', message, { detail: { findings } })
  }

  private async server(full: boolean): Promise<Finding[]> {
    const { client } = await this.session()
    return serverFindings(client, { full, tell: text => this.note(text) })
  }

  private show(findings: readonly Finding[]): void {
    for (const { part, state, what, mend } of findings) {
      this.result(` ${SIGNS[state]} ${part}: ${what}`)
      if (mend !== null) this.result(`     → ${mend}`)
    }
    const warnings = findings.filter(one => one.state === 'warning').length
    if (!findings.some(one => one.state !== 'good')) this.info('everything is well')
    else if (warnings > 0) this.info(`${countText(warnings, 'warning')}`)
  }
}
