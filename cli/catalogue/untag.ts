import { KaosError } from '../../api/errors.ts'
import { path } from '../client.ts'
import { DONE } from '../look.ts'
import { Args } from '../options.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'

export abstract class Untag extends CatalogueCommand {
  static override description =
    'What the tag stood at stays, and so does the record of where it stood.'
  static override args = {
    tag: Args.string({ required: true, description: 'NAME:TAG' }),
  }

  async run(): Promise<{ repository: string; tag: string }> {
    const { args } = await this.parse(Untag)
    const colon = args.tag.lastIndexOf(':')
    if (colon < 1) throw new KaosError('USAGE', `give the tag with its name, as <name>:${args.tag}`)
    const [repository, tag] = [args.tag.slice(0, colon), args.tag.slice(colon + 1)]
    const { client, base } = await this.workspaceSession()
    await client.delete(`${repositoryPath(base, repository)}${path`/tags/${tag}`}`)
    this.result(` ${DONE} ${repository} has no tag ${tag} any more`)
    this.info(`see its versions with: ${this.kaos('log')} ${repository}`)
    return { repository, tag }
  }
}
