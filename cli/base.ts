/* What every command has: --json, --quiet, --ca, the original's words, and the checks before it talks
 * to a server. Results go to stdout, everything about the way there to stderr. */
import { join, resolve } from 'node:path'
import type { Interfaces } from '@oclif/core'
import type { JobView, WorkspaceView } from '../api/wire.ts'
import { Client, path } from './client.ts'
import { environment } from './config.ts'
import { parseEndpoint } from './endpoint.ts'
import type { ListedGroup } from './implied.ts'
import { painted, type Stream, sentence } from './look.ts'
import { type ArgInput, type FlagInput, Flags } from './options.ts'
import { parseWords } from './parsing.ts'
import { Progress } from './progress.ts'
import type { Choice } from './select.ts'
import { type Settings, settingsOf } from './settings.ts'
import { findStateFolder, readState, type State } from './state.ts'
import { type Table, tableBlock } from './table.ts'
import { Declined, Unready } from './words.ts'

export interface Session {
  readonly client: Client
  readonly settings: Settings
  /** Absent when all comes from variables. */
  readonly state: State | undefined
  /** The `.kaos` folder, where the listings are remembered. */
  readonly folder: string | undefined
}

export interface WorkspaceSession extends Session {
  readonly workspace: string
  /** `/workspaces/mnist` */
  readonly base: string
}

/** Flags that are read here, whichever commands have them. */
interface Given {
  readonly quiet?: boolean
  readonly ca?: string
  readonly no_cache?: boolean
  readonly json?: boolean
}

const JSON_FLAG = Flags.boolean()

/** A command, before it is given words. */
export type CommandClass = Pick<
  typeof KaosCommand,
  'summary' | 'description' | 'examples' | 'args' | 'flags' | 'enableJsonFlag' | 'baseFlags'
> & { new (words: readonly string[]): KaosCommand }

export abstract class KaosCommand {
  static summary = ''
  static description: string | undefined
  static examples: readonly string[] = []
  static args: ArgInput = {}
  static flags: FlagInput = {}
  static enableJsonFlag = true
  static baseFlags = {
    quiet: Flags.boolean({ summary: 'say nothing but results and errors', helpGroup: 'GLOBAL' }),
    ca: Flags.string({
      summary: 'file with certificates to trust (also KAOS_CA)',
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
    }),
  }

  readonly #words: readonly string[]
  #json = false
  #quiet = false
  #fresh = false
  #ca: string | undefined

  constructor(words: readonly string[]) {
    this.#words = words
  }

  abstract run(): Promise<unknown>

  /** Runs the command with these words; what it answers is shown if --json asks for it. */
  async carryOut(): Promise<void> {
    const result = await this.run()
    if (result && this.#json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  }

  /** The values of the command's options and words. */
  protected async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >({
    flags,
    baseFlags,
    args,
    enableJsonFlag,
  }: Interfaces.Input<F, B, A>): Promise<Pick<Interfaces.ParserOutput<F, B, A>, 'flags' | 'args'>> {
    const all = { ...baseFlags, ...flags, ...(enableJsonFlag && { json: JSON_FLAG }) }
    const parsed = await parseWords(this.#words, all as FlagInput, args ?? {})
    const { quiet, ca, no_cache, json } = parsed.flags as Given
    this.#json = json === true
    this.#quiet = quiet === true
    this.#fresh = no_cache === true
    this.#ca = ca
    return parsed as Pick<Interfaces.ParserOutput<F, B, A>, 'flags' | 'args'>
  }

  protected jsonEnabled(): boolean {
    return this.#json
  }

  /** `Info - text` */
  protected info(text: string): void {
    if (!this.#quiet) this.result(sentence('Info', text, process.stdout))
  }

  protected caution(text: string): void {
    process.stderr.write(`${sentence('Warning', text, process.stderr)}\n`)
  }

  /** A result: shown unless --json shows it in its own way. */
  protected result(text = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${text}\n`)
  }

  protected heading(text: string): void {
    this.result(`${painted(text, process.stdout, 'underline')}\n`)
  }

  protected table(table: Table): void {
    this.result(tableBlock(table))
  }

  /** What is going on, for whoever watches. */
  protected note(text: string): void {
    if (!this.#quiet) process.stderr.write(`${text}\n`)
  }

  protected progress(label: string): Progress {
    return new Progress(label, this.watched)
  }

  /** Where progress is shown; undefined with --quiet. */
  protected get watched(): Stream | undefined {
    return this.#quiet ? undefined : process.stderr
  }

  /** How folders are sent: shown there, and with what is remembered of them. */
  protected get sending(): { shown: Stream | undefined; cacheHome: string; fresh: boolean } {
    return { shown: this.watched, cacheHome: environment().cacheHome, fresh: this.#fresh }
  }

  /** The file of --ca, wherever a later command is run. */
  protected get caGiven(): string | undefined {
    return this.#ca === undefined ? undefined : resolve(this.#ca)
  }

  protected get settings(): Settings & { state: State | undefined } {
    const folder = findStateFolder(process.cwd())
    const state = folder === undefined ? undefined : readStateOf(folder)
    return { ...settingsOf(environment(), state, this.#ca), state }
  }

  /** State directory, configuration, context: the first that is missing is named. */
  protected async session(): Promise<Session> {
    const { state, ...settings } = this.settings
    const endpoint = settings.endpoint.value
    if (endpoint === undefined && state === undefined) {
      throw new Unready('kaos is not connected here; run kaos init -e <endpoint> first')
    }
    if (endpoint === undefined) {
      throw new Unready('no context is active; run kaos build set -c <context>, or kaos init')
    }
    const client = await this.clientOf(
      parseEndpoint(endpoint),
      settings.token.value,
      settings.ca.value,
    )
    return { client, settings, state, folder: state?.folder }
  }

  /** A session whose workspace is set and still on the server. */
  protected async workspaceSession(): Promise<WorkspaceSession> {
    const session = await this.session()
    const name = session.settings.workspace.value
    if (name === undefined) {
      throw new Unready(
        'no workspace is set; run kaos workspace create or kaos workspace set first',
      )
    }
    const { lookAgain } = await import('./witness.ts')
    const { client } = session
    const [{ workspaces }] = await Promise.all([
      client.get<{ workspaces: WorkspaceView[] }>('/workspaces'),
      lookAgain(client, environment().stateHome),
    ])
    if (!workspaces.some(one => one.name === name)) {
      throw new Unready(
        `workspace ${name} is not on the server; see those there with kaos workspace list`,
      )
    }
    return { ...session, workspace: name, base: path`/workspaces/${name}` }
  }

  protected async clientOf(
    endpoint: string,
    token: string | undefined,
    ca: string | undefined,
  ): Promise<Client> {
    if (ca !== undefined && endpoint.startsWith('https:')) {
      const { trustAuthority } = await import('./trust.ts')
      trustAuthority(ca)
    }
    return new Client(endpoint, token, why => this.note(`waiting: ${why}`))
  }

  /** The id that was meant. An index is of the last listing; where there is none, one is made and what
   * the index stands for is said. `listed`: then it is refused instead, for what cannot be undone. */
  protected async chosenOf(
    session: Session & Partial<Pick<WorkspaceSession, 'workspace' | 'base'>>,
    choice: Choice,
    group: ListedGroup,
    how: { readonly listed?: boolean } = {},
  ): Promise<string> {
    const { folder, workspace, base = '' } = session
    const { ind, name } = choice
    const { chosen } = await import('./select.ts')
    const { isListed, rowAt } = await import('./caches.ts')
    if (
      name !== undefined ||
      ind === undefined ||
      how.listed ||
      isListed(folder, group, workspace)
    ) {
      return chosen(choice, group, folder, workspace)
    }
    const { listNow } = await import('./implied.ts')
    const row = rowAt(await listNow(session, group, workspace, base), group, ind)
    this.note(`nothing was listed since the last change: -i ${ind} is ${row.text}`)
    return row.id
  }

  /** The whole id of a job that was named by a part of it. */
  protected async fullJobId({ client, base }: WorkspaceSession, name: string): Promise<string> {
    return (await client.get<JobView>(`${base}${path`/jobs/${name}`}`)).job.jobId
  }

  /** Shows a log, or follows it, and keeps it in `<out>/<ws>/logs/<name>.log`. */
  protected async showLog(
    client: Client,
    from: string,
    place: { out: string; workspace: string; name: string; follow: boolean },
  ): Promise<{ file: string; text?: string }> {
    const { followIntoFile, saveLog } = await import('./logs.ts')
    const file = join(place.out, place.workspace, 'logs', `${place.name}.log`)
    const json = this.jsonEnabled()
    if (place.follow) {
      await followIntoFile(client, from, file, bytes => {
        if (!json) process.stdout.write(bytes)
      })
    } else {
      const text = await saveLog(client, from, file)
      if (json) return { file, text }
      const { page } = await import('./pager.ts')
      if (text !== '') await page(text)
    }
    this.note(`saved to ${file}`)
    return { file }
  }

  /** Asks unless --yes; "no" ends the command with exit 1. */
  protected async confirmed(question: string, yes: boolean): Promise<void> {
    if (yes) return
    const { confirm } = await import('./prompt.ts')
    if (!(await confirm(question))) throw new Declined()
  }
}

function readStateOf(folder: string): State {
  try {
    return readState(folder)
  } catch (error) {
    const missing = error instanceof Error && /ENOENT/.test(error.message)
    if (missing)
      throw new Unready(`${folder} holds no configuration; run kaos init -e <endpoint> first`)
    throw error
  }
}
