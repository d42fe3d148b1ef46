import { KaosError } from '../../../../api/errors.ts'
import type { NewWorkerToken } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { Args, Flags } from '../../../options.ts'
import { localTime, parseLifetime } from '../../../times.ts'

export default class WorkerToken extends KaosCommand {
  static override description =
    'The token lets its holder ask for work under this name, and nothing else. Made again for the same name, the one before ends; what the worker runs goes on. With --address calls to its services go there and nowhere else; without, only to the address that the worker itself calls from.'
  static override examples = [
    '<%= config.bin %> admin worker token gpu1',
    '<%= config.bin %> admin worker token gpu1 --expires 90d --address https://gpu1.internal:8090',
  ]
  static override args = {
    name: Args.string({ required: true, description: 'name of the worker' }),
  }
  static override flags = {
    expires: Flags.string({ summary: 'lifetime: 90d, 12h, never', default: '365d' }),
    address: Flags.string({
      summary: 'where the server reaches its services, and nowhere else',
      helpValue: 'URL',
    }),
  }

  async run(): Promise<NewWorkerToken> {
    const { args, flags } = await this.parse(WorkerToken)
    const seconds = parseLifetime(flags.expires)
    if (seconds === undefined) {
      const text = `--expires: "${flags.expires}" is no lifetime; give one like 90d, 12h or never`
      throw new KaosError('USAGE', text)
    }
    const { client } = await this.session()
    const made = await client.post<NewWorkerToken>('/admin/workers', {
      name: args.name,
      expiresInSeconds: seconds,
      ...(flags.address === undefined ? {} : { address: flags.address }),
    })
    this.info(
      `token for worker ${made.name}, good until ${localTime(made.expiresAt)}; it is not shown again`,
    )
    this.result(made.token)
    this.info('on the other host, with that token in a file for nobody else to read:')
    this.result(`kaos worker --server ${client.endpoint} --token-file FILE`)
    return made
  }
}
