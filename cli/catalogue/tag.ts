import { KaosError } from '../../api/errors.ts'
import type { EntityView, TagView } from '../../api/wire.ts'
import { DONE } from '../look.ts'
import { Args } from '../options.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'

/** A tag, and the repository when it was named as well. */
interface Named {
  readonly repository: string | undefined
  readonly tag: string
}

export abstract class Tag extends CatalogueCommand {
  static override description =
    'A tag stands at one version and moves; each move is recorded. A trained model becomes a version of the repository where it is tagged.'
  static override args = {
    reference: Args.string({ required: true, description: 'version, tag, short id or digest' }),
    tags: Args.string({ required: true, multiple: true, description: 'TAG or NAME:TAG' }),
  }

  async run(): Promise<{ tagged: TagView[] }> {
    const { args } = await this.parse(Tag)
    const { tags } = args as unknown as { tags: string[] }
    const session = await this.workspaceSession()
    const entity = await this.find(session, args.reference)
    const tagged: TagView[] = []
    for (const [repository, names] of byRepository(tags.map(named), entity)) {
      const request = { reference: entity.entity, tags: names }
      const path = `${repositoryPath(session.base, repository)}/tags`
      tagged.push(await session.client.post<TagView>(path, request))
    }
    for (const { version, added, moved } of tagged) {
      const { repository, reference } = version
      if (added) this.result(` ${DONE} ${reference}`)
      for (const tag of moved) this.result(` ${DONE} ${repository}:${tag} is ${reference}`)
      if (moved.length === 0) this.info(`unchanged: the tags stand at ${reference} already`)
      this.info(`see who moved a tag with: ${this.kaos('log')} ${repository} --tag <tag>`)
    }
    return { tagged }
  }
}

function named(text: string): Named {
  const colon = text.lastIndexOf(':')
  if (colon === -1) return { repository: undefined, tag: text }
  return { repository: text.slice(0, colon), tag: text.slice(colon + 1) }
}

/** The tags by repository; without one they go where the version is. */
function byRepository(tags: readonly Named[], entity: EntityView): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { repository = homeOf(entity), tag } of tags) {
    groups.set(repository, [...(groups.get(repository) ?? []), tag])
  }
  return groups
}

function homeOf({ places, name }: EntityView): string {
  const [first, second] = places
  if (first && !second) return first.repository
  const why = first ? `is in ${places.map(one => one.repository).join(' and ')}` : 'has no name yet'
  throw new KaosError('USAGE', `${name} ${why}; give the tag as <name>:<tag>`)
}
