import { KaosError } from '../../api/errors.ts'
import type { EntityView } from '../../api/wire.ts'
import { yes } from '../flags.ts'
import { DONE } from '../look.ts'
import { Args, Flags } from '../options.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'
import { sizeText } from './shown.ts'

export abstract class Remove extends CatalogueCommand {
  static override description =
    'Takes a version out of the catalogue: its number is not given again, and its digest stays on record. What jobs used stays reachable by the job; the bytes of what nobody used go with the next kaos admin gc.'
  static override args = {
    reference: Args.string({ required: true, description: 'version, tag, short id or digest' }),
  }
  static override flags = {
    force: Flags.boolean({ summary: 'also when tags or running endpoints stand at it' }),
    yes,
  }

  async run(): Promise<{ removed: string; digest: string | null }> {
    const { args, flags } = await this.parse(Remove)
    const session = await this.workspaceSession()
    const entity = await this.find(session, args.reference)
    const { repository, version } = placeOf(entity, args.reference)
    const reference = `${repository}@v${version}`
    const question = `remove ${reference} (${sizeText(entity)}) from the catalogue?`
    await this.confirmed(question, flags.yes)
    const at = `${repositoryPath(session.base, repository)}/versions/${version}`
    await session.client.delete(flags.force ? `${at}?force=true` : at)
    this.result(` ${DONE} ${reference} was removed`)
    this.info(`see what there is with: ${this.kaos('list')}`)
    return { removed: reference, digest: entity.tree }
  }
}

/** The place that was named; the only one there is. */
function placeOf({ places, reference }: EntityView, typed: string): EntityView['places'][number] {
  const name = typed.replace(/^kit:\/\//, '').replace(/[@:].*$/s, '')
  const place = places.find(one => one.repository === name) ?? places[0]
  if (place && (places.length === 1 || place.repository === name)) return place
  const where = places.map(one => `${one.repository}@v${one.version}`)
  if (place)
    throw new KaosError('USAGE', `${reference} is ${where.join(' and ')}; name one of them`)
  throw new KaosError(
    'NOT_FOUND',
    `${reference} is in no repository, so there is nothing to remove`,
  )
}
