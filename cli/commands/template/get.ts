import { join } from 'node:path'
import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { rowAt } from '../../caches.ts'
import * as shared from '../../flags.ts'
import { nearest } from '../../nearest.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'
import { copyTemplate, readTemplates } from '../../templates.ts'

export default class TemplateGet extends KaosCommand {
  static override description = 'Replaces what is there.'
  static override examples = ['<%= config.bin %> template get --name mnist']
  static override flags = {
    name: Flags.string({ char: 'n', summary: 'name of the template' }),
    ind: shared.ind,
  }

  async run(): Promise<{ name: string; folder: string }> {
    const { flags } = await this.parse(TemplateGet)
    checkChoice({ option: '-n/--name', name: flags.name, ind: flags.ind })
    const templates = readTemplates()
    const names = templates.map(template => template.name)
    const name = flags.name ?? rowAt(names, 'template', flags.ind ?? 0)
    if (!names.includes(name)) {
      const close = nearest(name, names)
      const hint =
        close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see kaos template list'
      throw new KaosError('NOT_FOUND', `there is no template ${name}; ${hint}`)
    }
    copyTemplate(name, join(process.cwd(), 'templates', name))
    this.info(`Successfully loaded ${name} template`)
    return { name, folder: join('templates', name) }
  }
}
