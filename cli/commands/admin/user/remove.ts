import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import * as shared from '../../../flags.ts'
import { Args, Flags } from '../../../options.ts'
import { checkChoice, chosen, oneName } from '../../../select.ts'

export default class UserRemove extends KaosCommand {
  static override examples = ['<%= config.bin %> admin user remove -n anna']
  static override args = { name: Args.string({ ignoreStdin: true }) }
  static override flags = {
    name: Flags.string({ char: 'n', summary: 'name of the user' }),
    ind: shared.ind,
    yes: shared.yes,
  }

  async run(): Promise<{ name: string }> {
    const { flags, args } = await this.parse(UserRemove)
    const named = oneName(flags.name, args.name)
    const choice = { option: '-n/--name', name: named, ind: flags.ind }
    checkChoice(choice)
    const { client, folder } = await this.session()
    const name = chosen(choice, 'user', folder)
    await this.confirmed(`Remove user ${name} and all tokens of ${name}?`, flags.yes)
    await client.delete(path`/admin/users/${name}`)
    this.info(`Successfully removed user ${name}`)
    return { name }
  }
}
