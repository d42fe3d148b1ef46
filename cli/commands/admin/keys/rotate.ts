import type { KeyView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'

export default class KeysRotate extends KaosCommand {
  static override description =
    'Makes a new signing key, endorsed by the one in use. What older keys signed stays good.'
  static override examples = ['<%= config.bin %> admin keys rotate']

  async run(): Promise<KeyView> {
    await this.parse(KeysRotate)
    const { client } = await this.session()
    const key = await client.post<KeyView>('/admin/keys/rotate')
    this.info(`key ${key.kid} signs from now on`)
    return key
  }
}
