import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import * as shared from '../../../flags.ts'
import { Flags } from '../../../options.ts'
import { checkChoice, chosen } from '../../../select.ts'

export default class TokenRevoke extends KaosCommand {
  static override examples = ['<%= config.bin %> admin token revoke -i 0']
  static override flags = {
    id: Flags.string({ summary: 'id of the token, from token list', helpValue: 'ID' }),
    ind: shared.ind,
    yes: shared.yes,
  }

  async run(): Promise<{ id: string }> {
    const { flags } = await this.parse(TokenRevoke)
    const choice = { option: '--id', name: flags.id, ind: flags.ind }
    checkChoice(choice)
    const { client, folder } = await this.session()
    const id = chosen(choice, 'token', folder)
    await this.confirmed(`Revoke token ${id}?`, flags.yes)
    await client.delete(path`/admin/tokens/${id}`)
    this.info(`Successfully revoked token ${id}`)
    return { id }
  }
}
