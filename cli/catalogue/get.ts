import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { KaosError } from '../../api/errors.ts'
import type { Artifact, EntityView, PartList } from '../../api/wire.ts'
import type { WorkspaceSession } from '../base.ts'
import { path } from '../client.ts'
import type { Wanted } from '../downloads.ts'
import { DONE } from '../look.ts'
import { Args, Flags } from '../options.ts'
import { CatalogueCommand } from './command.ts'
import { sizeText } from './shown.ts'

interface Fetched {
  readonly entity: string
  readonly reference: string
  readonly folders: string[]
}

const FILTERS = ['code', 'data', 'model'] as const

export abstract class Get extends CatalogueCommand {
  static override description =
    'Into ./<name> unless a folder is given, which must be empty or not there. With --path only files whose path fits: * within a folder, ** across folders. With --filter what it was made from, or the parts of a ModelKit, each in a folder of that name when there are several. A later push from the folder says which version it was made from.'
  static override args = {
    reference: Args.string({ required: true, description: 'version, tag, short id or digest' }),
    folder: Args.string({ description: 'folder to become' }),
  }
  static override flags = {
    path: Flags.string({
      char: 'p',
      summary: 'only files whose path fits',
      helpValue: 'GLOB',
      multiple: true,
      multipleNonGreedy: true,
    }),
    filter: Flags.string({
      char: 'f',
      summary: 'only these parts',
      options: FILTERS,
      multiple: true,
      multipleNonGreedy: true,
    }),
    force: Flags.boolean({ summary: 'replace the folder if it is there' }),
  }

  async run(): Promise<Fetched> {
    const { args, flags } = await this.parse(Get)
    const session = await this.workspaceSession()
    const entity = await this.find(session, args.reference)
    const target = args.folder ?? nameFor(entity)
    if (!flags.force) requireFree(target)
    const wanted = await this.#wanted(session, entity, target, flags.filter ?? [])
    const { fetchAll } = await import('../downloads.ts')
    const bar = this.progress(`Extracting ${this.what}`)
    const paths = flags.path ?? []
    await fetchAll(session.client, session.base, wanted, bar, paths)
    const whole = paths.length === 0 && flags.filter === undefined
    if (whole) await this.#remember(session, target, entity.entity)
    const { reference } = entity
    for (const one of wanted) this.result(` ${DONE} ${one.target}`)
    if (whole && this.noun === 'data') {
      this.info(`change it, and send the next version with: ${this.kaos('push')} ${target}`)
    }
    return { entity: entity.entity, reference, folders: wanted.map(one => one.target) }
  }

  async #wanted(
    { client, base }: WorkspaceSession,
    entity: EntityView,
    target: string,
    filters: readonly string[],
  ): Promise<Wanted[]> {
    const isKit = entity.kind === 'artifact'
    if (filters.length === 0 && !isKit) return [{ artifact: artifactOf(entity), target }]
    // Of a ModelKit a data set is the data in it; a model is all of it.
    const asked = filters.length === 0 && this.noun === 'data' ? ['data'] : filters
    const list = `${base}${path`/entities/${entity.entity}/parts`}`
    const { parts } = await client.get<PartList>(list)
    const chosen = parts.filter(one => asked.length === 0 || asked.includes(one.part))
    if (chosen.length === 0) {
      const what = asked.length === 0 ? 'parts that can be fetched' : asked.join(' and no ')
      throw new KaosError('NOT_FOUND', `${entity.reference} has no ${what}`)
    }
    const [only] = chosen
    if (chosen.length === 1 && only) return [{ artifact: only, target }]
    const folders = foldersFor(chosen)
    return chosen.map((artifact, at) => ({ artifact, target: join(target, folders[at]!) }))
  }

  async #remember(session: WorkspaceSession, folder: string, entity: string): Promise<void> {
    const { noteHeld } = await import('./sending.ts')
    noteHeld(session, folder, entity)
  }
}

/** `data`, or where there are several `data/train`, `data/test`: each its own. */
function foldersFor(parts: PartList['parts']): string[] {
  const taken = new Set<string>()
  return parts.map(({ part, name }) => {
    const several = parts.filter(one => one.part === part).length > 1
    const own = name.replace(/[/\\\p{Cc}]/gu, '-').replace(/^\.*$/, 'part')
    const first = several ? join(part, own) : part
    let folder = first
    for (let n = 2; taken.has(folder); n++) folder = `${first}-${n}`
    taken.add(folder)
    return folder
  })
}

function artifactOf(entity: EntityView): Artifact {
  const { tree, files, bytes, folder: name } = entity
  if (tree === null) {
    throw new KaosError('NOT_FOUND', `${entity.reference} (${sizeText(entity)}) has no files`)
  }
  return { entity: entity.entity, name, tree, files: files ?? 0, bytes }
}

/** `features`; of what has no place its short id. */
function nameFor({ places, folder }: EntityView): string {
  const repository = places[0]?.repository
  const name = repository?.slice(repository.lastIndexOf('/') + 1) ?? folder
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) return name
  throw new KaosError('USAGE', 'name the folder to write to: it has no name that could be one')
}

function requireFree(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return
  const next = 'give another one, or replace it with --force'
  throw new KaosError('BAD_REQUEST', `the folder ${folder} is there and not empty; ${next}`)
}
