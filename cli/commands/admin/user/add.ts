import { KaosError } from '../../../../api/errors.ts'
import type { UserView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { Args, Flags } from '../../../options.ts'
import { oneName } from '../../../select.ts'

export default class UserAdd extends KaosCommand {
  static override examples = ['<%= config.bin %> admin user add -n anna --role contributor']
  /** `kaos admin user add anna` is what people type. */
  static override args = { name: Args.string({ ignoreStdin: true }) }
  static override flags = {
    name: Flags.string({ char: 'n', summary: 'name of the user' }),
    role: Flags.string({
      char: 'r',
      summary: 'what the user may do',
      options: [
        'viewer',
        'contributor',
        'maintainer',
        'owner',
        'monitor',
        'auditor',
        'administrator',
      ],
    }),
  }

  async run(): Promise<UserView> {
    const { flags, args } = await this.parse(UserAdd)
    const name = oneName(flags.name, args.name)
    if (name === undefined) throw new KaosError('USAGE', 'name the user with -n/--name')
    const { client } = await this.session()
    const { role } = flags
    const body = role === undefined ? { name } : { name, role }
    const user = await client.post<UserView>('/admin/users', body)
    this.info(`Successfully added user ${user.name} as ${user.role}`)
    this.info(`make a token for ${user.name}: kaos admin token create -u ${user.name}`)
    this.info(`${user.name} connects with it: kaos init -e ${client.endpoint} -t <token>`)
    return user
  }
}
