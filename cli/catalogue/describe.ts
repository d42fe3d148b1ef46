import type { About, RepositoryView } from '../../api/wire.ts'
import { DONE } from '../look.ts'
import { Args } from '../options.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'
import { aboutFlags, saidOf } from './push.ts'

export abstract class Describe extends CatalogueCommand {
  static override description =
    'Only what is given is changed; an empty text takes it away. Without an option it shows what is said.'
  static override args = {
    name: Args.string({ required: true, description: 'name of it in the catalogue' }),
  }
  static override flags = aboutFlags

  async run(): Promise<About | null> {
    const { args, flags } = await this.parse(Describe)
    const { client, base } = await this.workspaceSession()
    const repository = repositoryPath(base, args.name)
    const change = saidOf(flags)
    if (Object.keys(change).length === 0) {
      const { about } = await client.get<RepositoryView>(repository)
      if (about) this.#show(about)
      else this.info(`nothing is said of ${args.name} yet; see ${this.kaos('describe --help')}`)
      return about
    }
    const about = await client.post<About>(`${repository}/about`, change)
    this.result(` ${DONE} ${args.name}`)
    this.#show(about)
    return about
  }

  #show(about: About): void {
    for (const line of aboutLines(about)) this.result(`    ${line}`)
  }
}

export function aboutLines({ title, description, licence, keywords }: About): string[] {
  const lines = [
    ['Title', title],
    ['Description', description],
    ['Licence', licence],
    ['Keywords', keywords.join(', ')],
  ]
  return lines.filter(([, text]) => text !== '').map(([name, text]) => `${name}: ${text}`)
}
