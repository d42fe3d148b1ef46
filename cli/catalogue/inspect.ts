import type { EntityView, PartList, VersionList } from '../../api/wire.ts'
import type { WorkspaceSession } from '../base.ts'
import { path } from '../client.ts'
import { Args } from '../options.ts'
import { page } from '../pager.ts'
import { tableBlock } from '../table.ts'
import { localTime } from '../times.ts'
import { cardText } from './card.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'
import { aboutLines } from './describe.ts'
import { originText, sizeText, versionsTable } from './shown.ts'

/** Versions of its repository that are shown with it. */
const HISTORY = 5
/** Of a metric. */
const DIGITS = 6

type Parts = PartList['parts']
type Inspected = EntityView & { parts: Parts; history: VersionList['versions'] }

export abstract class Inspect extends CatalogueCommand {
  static override description =
    'All that is known of a version: what it is, where it came from, its history, its card (the README of its root), and its address for docker, kit and oras.'
  static override args = {
    reference: Args.string({ required: true, description: 'version, tag, short id or digest' }),
  }

  async run(): Promise<Inspected> {
    const { args } = await this.parse(Inspect)
    const session = await this.workspaceSession()
    const entity = await this.find(session, args.reference)
    const [place] = entity.places
    const list = place && `${repositoryPath(session.base, place.repository)}/versions`
    const history = list
      ? (await session.client.get<VersionList>(list, { limit: HISTORY })).versions
      : []
    const parts = entity.kind === 'artifact' ? await this.#parts(session, entity) : []
    if (!this.jsonEnabled()) await page(inspectText(entity, parts, history))
    if (place) {
      this.info(`see all versions with: ${this.kaos('log')} ${place.repository}`)
    } else {
      this.info(`give it a name with: ${this.kaos('tag')} ${entity.reference} <name>:<tag>`)
    }
    return { ...entity, parts, history }
  }

  async #parts({ client, base }: WorkspaceSession, { entity }: EntityView): Promise<Parts> {
    return (await client.get<PartList>(`${base}${path`/entities/${entity}/parts`}`)).parts
  }
}

function inspectText(entity: EntityView, parts: Parts, history: VersionList['versions']): string {
  const { about, card, origin, author, at, message } = entity
  const lines = [
    ['Reference', entity.reference],
    ['Kind', kindText(entity, parts)],
    ['Name', entity.name],
    ['Digest', entity.tree ?? 'none'],
    ['Size', sizeText(entity)],
    ...parts.map(part => ['Part', `${part.part} ${part.name} (${sizeText(part)})`] as const),
    ['Tags', entity.places.flatMap(tagTexts).join(', ')],
    ['Provenance', `${originText(origin)}, by ${author}, ${localTime(at)}`],
    ['Message', message ?? ''],
    ['Metrics', metricsText(entity.metrics)],
    ['Address', entity.places.map(place => place.address).join(', ')],
    ['Entity', entity.entity],
  ]
  const known = lines.filter(([, text]) => text !== '').map(([name, text]) => `${name}: ${text}`)
  const said = about ? aboutLines(about) : []
  const first = [...known, ...said].map(line => `    ${plain(line)}`).join('\n')
  const table = history.length === 0 ? '' : tableBlock(versionsTable(history))
  return `\n${first}\n${table}${card === null ? '' : `\n${cardText(card)}\n`}\n`
}

function kindText({ kind }: EntityView, parts: Parts): string {
  if (kind === 'artifact' && parts.length > 0) return 'ModelKit'
  return kind === 'data' ? 'data set' : kind
}

function tagTexts({ repository, tags }: EntityView['places'][number]): string[] {
  return tags.map(tag => `${repository}:${tag}`)
}

function metricsText(metrics: EntityView['metrics']): string {
  return Object.entries(metrics)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => `${name}=${Number(Number(value).toPrecision(DIGITS))}`)
    .join(', ')
}

/** Of several lines the next ones stand below the first. */
function plain(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/\n/g, '\n      ')
    .replace(/(?!\n)\p{Cc}/gu, '\u{FFFD}')
}
