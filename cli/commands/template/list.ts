import { KaosCommand } from '../../base.ts'
import { indexed } from '../../listings.ts'
import { readTemplates, type Template } from '../../templates.ts'

export default class TemplateList extends KaosCommand {
  static override examples = ['<%= config.bin %> template list']

  async run(): Promise<{ templates: Template[] }> {
    await this.parse(TemplateList)
    const templates = readTemplates()
    const rows = templates.map(template => ({ ...template }))
    this.table(indexed(undefined, ['name', 'description', 'input_type'], rows))
    return { templates }
  }
}
