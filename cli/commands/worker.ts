import { KaosError } from '../../api/errors.ts'
import { KaosCommand } from '../base.ts'
import { defaultData, environment } from '../config.ts'
import { parseEndpoint } from '../endpoint.ts'
import { inForeground } from '../foreground.ts'
import { Flags } from '../options.ts'
import { programPath } from '../package-root.ts'

export default class Worker extends KaosCommand {
  static override description =
    'Runs builds, trainings and services for a server on another host. An administrator makes its token: kaos admin worker token NAME. Ctrl-C ends the worker and leaves what it runs going; the next kaos worker with the same --data goes on with it. It runs services only where calls to them can come in: give --listen, and TLS or --plain.'
  static override examples = [
    '<%= config.bin %> worker --server https://kaos.example.com --token-file /etc/kaos/token',
    '<%= config.bin %> worker --token-file token --labels gpu,bigmem --slots 4 --listen 0.0.0.0:8090 --tls-cert worker.pem --tls-key worker.key',
  ]
  static override enableJsonFlag = false
  static override flags = {
    server: Flags.string({
      summary: 'address of the server (default that of this directory)',
      helpValue: 'URL',
    }),
    token: Flags.string({
      summary: 'its token; others on this host can see it, so better in a file',
      exclusive: ['token_file'],
    }),
    token_file: Flags.string({ summary: 'file with its token', helpValue: 'FILE' }),
    labels: Flags.string({
      summary: 'words that jobs can ask for with --label: gpu,bigmem',
      helpValue: 'LABELS',
    }),
    slots: Flags.integer({
      summary: 'builds and trainings at once (default 2)',
      min: 1,
      max: 1024,
    }),
    gpus: Flags.string({
      summary: 'GPUs to hand out: numbers or UUIDs, none, all (default all)',
      helpValue: 'LIST',
    }),
    runner: Flags.string({
      summary: 'where jobs run (default docker where it answers, else process)',
      options: ['process', 'docker', 'kubernetes'],
    }),
    data: Flags.string({
      summary: 'folder of this worker (default ~/.local/share/kaos-worker)',
      helpValue: 'DIR',
    }),
    listen: Flags.string({
      summary: 'where calls to its services come in, such as 0.0.0.0:8090',
      helpValue: 'HOST:PORT',
    }),
    address: Flags.string({
      summary: 'how the server reaches that place (default this host at that port)',
      helpValue: 'URL',
    }),
    tls_cert: Flags.string({ summary: 'certificate for --listen', helpValue: 'FILE' }),
    tls_key: Flags.string({ summary: 'its key', helpValue: 'FILE' }),
    plain: Flags.boolean({
      summary: 'listen without TLS: the network between is trusted or encrypted',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Worker)
    const { endpoint, ca } = this.settings
    const server = flags.server ?? environment().server ?? endpoint.value
    if (server === undefined) {
      throw new KaosError(
        'USAGE',
        'name the server with --server (KAOS_SERVER), or run kaos init -e URL first',
      )
    }
    const set = {
      KAOS_SERVER: parseEndpoint(server),
      KAOS_WORKER_TOKEN: flags.token,
      KAOS_WORKER_TOKEN_FILE: flags.token_file,
      KAOS_LABELS: flags.labels,
      KAOS_SLOTS: flags.slots?.toString(),
      KAOS_GPUS: flags.gpus,
      KAOS_RUNNER: flags.runner,
      KAOS_DATA: flags.data ?? defaultData('kaos-worker'),
      KAOS_WORKER_LISTEN: flags.listen,
      KAOS_WORKER_ADDRESS: flags.address,
      KAOS_WORKER_TLS_CERT: flags.tls_cert,
      KAOS_WORKER_TLS_KEY: flags.tls_key,
      KAOS_WORKER_PLAIN: flags.plain ? '1' : undefined,
      KAOS_CA: ca.value,
    }
    const given = Object.entries(set).flatMap(([name, value]) => (value ? [[name, value]] : []))
    process.exitCode = await inForeground(
      programPath('runners/main'),
      [],
      Object.fromEntries(given),
    )
  }
}
