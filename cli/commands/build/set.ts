import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { forget } from '../../caches.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'
import { checkChoice, chosen } from '../../select.ts'
import { Unready } from '../../words.ts'

export default class BuildSet extends KaosCommand {
  static override examples = [
    '<%= config.bin %> build set -c remote',
    '<%= config.bin %> build set -i 0',
  ]
  static override flags = {
    context: Flags.string({ char: 'c', summary: 'name of the context' }),
    ind: shared.ind,
  }

  async run(): Promise<{ context: string }> {
    const { flags } = await this.parse(BuildSet)
    const choice = { option: '-c/--context', name: flags.context, ind: flags.ind }
    checkChoice(choice)
    const { state } = this.settings
    if (state === undefined)
      throw new Unready('there are no contexts; make one with kaos init or kaos build deploy')
    const context = chosen(choice, 'backend', state.folder)
    if (!state.contexts.some(one => one.name === context)) {
      throw new KaosError('BAD_REQUEST', `there is no context ${context}; see kaos build list`)
    }
    state.activate(context)
    state.save()
    forget(state.folder, ['train', 'serve', 'workspace'])
    this.info(`Successfully set ${context} context`)
    return { context }
  }
}
