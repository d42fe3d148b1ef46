import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { ServerView } from '../../api/wire.ts'
import { KaosCommand } from '../base.ts'
import { forget } from '../caches.ts'
import { environment } from '../config.ts'
import { isOpenToListeners, parseEndpoint } from '../endpoint.ts'
import { Flags } from '../options.ts'
import { FOLDER, REMOTE, stateHere } from '../state.ts'

export default class Init extends KaosCommand {
  static override description =
    'Writes .kaos/config here. A server on this machine needs no token; for another one the token is asked for, unless -t gives it.'
  static override examples = [
    '<%= config.bin %> init -e http://127.0.0.1:8080',
    '<%= config.bin %> init -e https://kaos.example.org -t kaos_…',
  ]
  static override flags = {
    endpoint: Flags.string({ char: 'e', summary: 'address of the server', required: true }),
    token: Flags.string({ char: 't', summary: 'your token; asked for when it is needed' }),
    force: Flags.boolean({ char: 'f', summary: 'overwrite what is there' }),
    yes: Flags.boolean({ char: 'y', summary: 'the same as --force' }),
  }

  async run(): Promise<{ endpoint: string; reached: boolean; user: string }> {
    const { flags } = await this.parse(Init)
    const endpoint = parseEndpoint(flags.endpoint)
    const folder = join(process.cwd(), FOLDER)
    await this.#mayOverwrite(folder, flags.force || flags.yes)

    const state = stateHere(process.cwd())
    const before = state.contexts.find(context => context.url === endpoint)
    const ca = this.caGiven ?? before?.ca
    const given = flags.token ?? environment().token
    const { server, token } = await this.#connect({ endpoint, ca }, given)
    const user = server?.actor?.name ?? environment().user
    if (state.active?.url !== endpoint) state.workspace = undefined
    state.user = user
    state.setContext({ name: REMOTE, url: endpoint, token, ca })
    state.activate(REMOTE)
    state.save()
    forget(folder)
    if (server !== undefined) this.info(`kaos successfully connected to ${endpoint}`)
    return { endpoint, reached: server !== undefined, user }
  }

  async #mayOverwrite(folder: string, force: boolean): Promise<void> {
    if (!existsSync(join(folder, 'config'))) return
    if (force) this.caution(`the connection in ${folder} is overwritten`)
    await this.confirmed(`${folder} exists; overwrite it?`, force)
  }

  async #connect(
    place: Place,
    given: string | undefined,
  ): Promise<{ server: ServerView | undefined; token: string | undefined }> {
    const server = await this.#ask(place, given)
    if (server === undefined) return { server, token: given }
    if (given === undefined && server.local) return { server, token: undefined }
    if (given !== undefined) return { server: checked(server, given), token: given }
    const { askHidden } = await import('../prompt.ts')
    const token = await askHidden('Token: ')
    const known = await this.#ask(place, token)
    return { server: known && checked(known, token), token }
  }

  /** Undefined, with a warning, when nobody answers. Somebody else's answer is an error. */
  async #ask({ endpoint, ca }: Place, token: string | undefined): Promise<ServerView | undefined> {
    if (token !== undefined && isOpenToListeners(endpoint)) {
      const what = 'everybody on the way can read your token and your data'
      this.caution(`${endpoint} IS NOT ENCRYPTED: ${what}; ask for an https address`)
    }
    try {
      const client = await this.clientOf(endpoint, token, ca ?? environment().ca)
      return await client.server()
    } catch (error) {
      if (!isKaosError(error, 'UNREACHABLE') || error.detail.silent !== true) throw error
      this.caution(`${error.message}. The connection was noted all the same`)
      return undefined
    }
  }
}

interface Place {
  readonly endpoint: string
  readonly ca: string | undefined
}

function checked(server: ServerView, token: string): ServerView {
  if (server.actor !== undefined || server.local) return server
  const text = `Unauthorized token (${token.slice(0, 8)}…); ask the administrator for a new one`
  throw new KaosError('AUTHORIZATION_FAILURE', text)
}
