import { KaosCommand } from '../../base.ts'
import { remember } from '../../caches.ts'
import { indexed } from '../../listings.ts'
import { REMOTE } from '../../state.ts'
import { Unready } from '../../words.ts'

interface Row {
  context: string
  provider: string
  env: string
  endpoint: string
  active: boolean
}

export default class BuildList extends KaosCommand {
  static override examples = ['<%= config.bin %> build list']

  async run(): Promise<{ contexts: Row[] }> {
    await this.parse(BuildList)
    const { state } = this.settings
    const contexts = (state?.contexts ?? []).map(({ name, url }) => {
      return {
        context: name,
        ...placeOf(name),
        endpoint: url,
        active: name === state?.active?.name,
      }
    })
    if (contexts.length === 0)
      throw new Unready('there are no contexts; make one with kaos init or kaos build deploy')
    remember(
      state?.folder,
      'backend',
      contexts.map(one => one.context),
    )
    const { rows } = indexed(undefined, ['context', 'provider', 'env'], contexts)
    this.table({ columns: ['index', 'context', 'provider', 'env'], rows })
    return { contexts }
  }
}

/** `AWS_prod` is AWS and prod; what `init` made is remote and local. */
function placeOf(name: string): { provider: string; env: string } {
  if (name === REMOTE) return { provider: REMOTE, env: 'local' }
  const [provider = name, env = 'local'] = name.split('_')
  return { provider, env }
}
