import type { TokenView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { remember } from '../../../caches.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

const COLUMNS = ['token_id', 'user', 'name', 'created_at', 'expires_at', 'state']

export default class TokenList extends KaosCommand {
  static override examples = ['<%= config.bin %> admin token list']

  async run(): Promise<{ tokens: TokenView[] }> {
    await this.parse(TokenList)
    const { client, folder } = await this.session()
    const answer = await client.get<{ tokens: TokenView[] }>('/admin/tokens')
    remember(
      folder,
      'token',
      answer.tokens.map(token => token.id),
    )
    const rows = answer.tokens.map(token => ({
      token_id: token.id,
      user: token.user,
      name: token.name,
      created_at: localTime(token.createdAt),
      expires_at: token.expiresAt === null ? 'never' : localTime(token.expiresAt),
      state: stateOf(token),
    }))
    if (rows.length > 0) this.table(indexed(undefined, COLUMNS, rows))
    else this.caution('there are no tokens yet; make one with kaos admin token create -u <user>')
    return answer
  }
}

function stateOf({ revoked, expiresAt }: TokenView): string {
  if (revoked) return 'revoked'
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'good'
}
