import { KaosError } from '../../../../api/errors.ts'
import type { NewToken } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { Flags } from '../../../options.ts'
import { localTime, parseLifetime } from '../../../times.ts'

export default class TokenCreate extends KaosCommand {
  static override examples = ['<%= config.bin %> admin token create -u anna --expires 30d']
  static override flags = {
    user: Flags.string({ char: 'u', summary: 'name of the user', required: true }),
    name: Flags.string({ char: 'n', summary: 'what it is for' }),
    expires: Flags.string({ summary: 'lifetime: 30d, 12h, never', default: '30d' }),
  }

  async run(): Promise<NewToken> {
    const { flags } = await this.parse(TokenCreate)
    const seconds = parseLifetime(flags.expires)
    if (seconds === undefined) {
      const text = `--expires: "${flags.expires}" is no lifetime; give one like 30d, 12h or never`
      throw new KaosError('USAGE', text)
    }
    const { client } = await this.session()
    const made = await client.post<NewToken>('/admin/tokens', {
      user: flags.user,
      expiresInSeconds: seconds,
      ...(flags.name === undefined ? {} : { name: flags.name }),
    })
    const { expiresAt, user } = made.view
    const until = expiresAt === null ? 'it does not expire' : `good until ${localTime(expiresAt)}`
    this.info(`token for ${user}, ${until}; it is not shown again`)
    this.result(made.token)
    this.info(`${user} connects with:`)
    this.result(`kaos init -e ${client.endpoint} -t ${made.token}`)
    return made
  }
}
