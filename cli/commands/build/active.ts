import { KaosCommand } from '../../base.ts'
import { Unready } from '../../words.ts'

export default class BuildActive extends KaosCommand {
  static override examples = ['<%= config.bin %> build active']

  async run(): Promise<{ context: string; endpoint: string }> {
    await this.parse(BuildActive)
    const active = this.settings.state?.active
    if (active === undefined)
      throw new Unready('no context is active; run kaos init -e <endpoint> or kaos build set')
    this.info(`Active context: ${active.name} (${active.url})`)
    return { context: active.name, endpoint: active.url }
  }
}
