import { KaosCommand } from '../base.ts'
import { upSettings } from '../config.ts'

interface Shown {
  setting: string
  value: string | null
  from: string
}

export default class ConfigShow extends KaosCommand {
  static override examples = ['<%= config.bin %> config', '<%= config.bin %> config --json']

  async run(): Promise<{ settings: Shown[]; up: Shown[] }> {
    await this.parse(ConfigShow)
    const { endpoint, token, workspace, user, ca, state } = this.settings
    const context = {
      name: 'context',
      value: state?.active?.name,
      from: state?.folder ?? 'not set',
    }
    const settings = [endpoint, token, workspace, user, ca, context].map(setting => ({
      setting: setting.name,
      value: (setting.name === 'token' ? masked(setting.value) : setting.value) ?? null,
      from: setting.from,
    }))
    const columns = ['setting', 'value', 'from']
    const rows = settings.map(({ setting, value, from }) => [setting, value ?? '', from])
    this.table({ title: 'THIS COMMAND', columns, rows })
    const up = upSettings()
    const upRows = up.map(({ name, value, from }) => [name, value, from])
    this.table({ title: 'KAOS UP', columns, rows: upRows })
    return { settings, up: up.map(({ name, value, from }) => ({ setting: name, value, from })) }
  }
}

/** Enough to tell two tokens apart, too little to use one. */
function masked(token: string | undefined): string | undefined {
  return token === undefined ? undefined : `${token.slice(0, 8)}…`
}
