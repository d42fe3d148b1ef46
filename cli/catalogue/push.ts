import type { AboutChange, PushView } from '../../api/wire.ts'
import { noCache } from '../flags.ts'
import { DONE } from '../look.ts'
import { Args, Flags } from '../options.ts'
import { CatalogueCommand, type Noun } from './command.ts'
import { sizeText } from './shown.ts'

/** What people say of a repository; read by saidOf. */
export const aboutFlags = {
  title: Flags.string({ summary: 'title, for listings' }),
  description: Flags.string({ summary: 'what it is' }),
  licence: Flags.string({ summary: 'its licence, like CC-BY-4.0', aliases: ['license'] }),
  keyword: Flags.string({ summary: 'word to find it by', multiple: true, multipleNonGreedy: true }),
}

interface AboutGiven {
  title?: string | undefined
  description?: string | undefined
  licence?: string | undefined
  keyword?: string[] | undefined
}

export function saidOf({ title, description, licence, keyword }: AboutGiven): AboutChange {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(licence !== undefined && { licence }),
    ...(keyword !== undefined && { keywords: keyword.filter(one => one !== '') }),
  }
}

export abstract class Push extends CatalogueCommand {
  static override description =
    'All that is in the folder is the content, also when that is one folder and nothing else. (The bundles of kaos train deploy are the other way round: there the one folder inside is the bundle.) Only what the server lacks is sent. The same content as that of the newest version makes no new one. A version is made from the one before of its name, or from the one that this folder was fetched as, or from what --from names.'
  static override args = {
    folder: Args.directory({
      required: true,
      exists: true,
      description: 'folder with the content',
    }),
  }
  static override flags = {
    name: Flags.string({ char: 'n', summary: "name in the catalogue; the folder's if absent" }),
    tag: Flags.string({
      char: 't',
      summary: 'tag to move to this version',
      multiple: true,
      multipleNonGreedy: true,
    }),
    from: Flags.string({ summary: 'what it was made from', helpValue: 'REF' }),
    message: Flags.string({ char: 'm', summary: 'what changed' }),
    no_cache: noCache,
    ...aboutFlags,
  }

  async run(): Promise<PushView> {
    const { args, flags } = await this.parse(Push)
    // What sends is loaded while the server is asked.
    const [session, { pushVersion }] = await Promise.all([
      this.workspaceSession(),
      import('./sending.ts'),
      import('../../api/transfer/send.ts'),
    ])
    const about = saidOf(flags)
    const wanted = {
      ...(flags.name !== undefined && { repository: flags.name }),
      ...(flags.tag !== undefined && { tags: flags.tag }),
      ...(flags.from !== undefined && { from: flags.from }),
      ...(flags.message !== undefined && { message: flags.message }),
      ...(Object.keys(about).length > 0 && { about }),
    }
    const view = await pushVersion(session, this.noun, args.folder, wanted, this.sending)
    this.#show(view)
    return view
  }

  #show({ version, unchanged, moved, warnings }: PushView): void {
    for (const warning of warnings) this.caution(warning)
    const { reference, repository, name } = version
    this.result(` ${DONE} ${reference} (${name}, ${sizeText(version)})`)
    for (const tag of moved) this.result(` ${DONE} ${repository}:${tag}`)
    if (unchanged) this.info(`unchanged: ${reference} has this content`)
    this.info(`${useOf(this.noun)} ${reference}`)
  }
}

function useOf(noun: Noun): string {
  if (noun === 'data') return 'train on it with: kaos train deploy -d'
  return 'serve it with: kaos serve deploy -s <folder> -m'
}
