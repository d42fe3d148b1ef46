import { KaosCommand } from '../base.ts'
import { inForeground } from '../foreground.ts'
import { Flags } from '../options.ts'
import { programPath } from '../package-root.ts'

export default class Up extends KaosCommand {
  static override description =
    'Without options everything is embedded: SQLite, files, no service needed. Stop it with Ctrl-C. Further settings are KAOS_* variables.'
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up --port 9000 --data ./kaos-data',
  ]
  static override enableJsonFlag = false
  static override flags = {
    host: Flags.string({ summary: 'address to listen at (default 127.0.0.1)' }),
    port: Flags.integer({ summary: 'port to listen at (default 8080)', min: 0, max: 65_535 }),
    data: Flags.string({ summary: 'data folder (default ~/.local/share/kaos)', helpValue: 'DIR' }),
    runner: Flags.string({
      summary: 'where jobs run (default docker where it answers, else process)',
      options: ['process', 'docker', 'kubernetes'],
    }),
    tls_cert: Flags.string({
      summary: 'certificate, to listen beyond this machine',
      helpValue: 'FILE',
    }),
    tls_key: Flags.string({ summary: 'its key', helpValue: 'FILE' }),
    behind_proxy: Flags.boolean({ summary: 'a proxy in front speaks TLS' }),
    no_worker: Flags.boolean({
      summary: 'run no jobs here: workers on other hosts do (kaos worker)',
    }),
    labels: Flags.string({
      summary: 'what the worker here carries, such as gpu,bigmem',
      helpValue: 'LABELS',
    }),
    public_url: Flags.string({ summary: 'address under which others reach it', helpValue: 'URL' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Up)
    const { quiet: _quiet, ca: _ca, json: _json, ...passed } = flags as Record<string, unknown>
    process.exitCode = await inForeground(programPath('server/main'), optionsOf(passed))
  }
}

/** As the server spells them: `--tls-cert FILE`. */
function optionsOf(flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    const option = `--${name.replaceAll('_', '-')}`
    return value === true ? [option] : [option, String(value)]
  })
}
