import { KaosCommand } from '../base.ts'
import { forget } from '../caches.ts'
import { cloud, DOCKER, old, requireDocker, unused } from '../compose/clouds.ts'
import { findDocker, refusal } from '../compose/docker.ts'
import { composeDown, jobsOf } from '../compose/down.ts'
import { Place } from '../compose/place.ts'
import * as shared from '../flags.ts'
import { Flags } from '../options.ts'
import { countText } from '../times.ts'

export default class Destroy extends KaosCommand {
  static override description =
    'Asks first. Ends what runs and removes the containers; ledger, models and data stay in their volumes, and kaos build deploy brings them back. With --volumes they go as well, which is asked for by itself.'
  static override examples = [
    '<%= config.bin %> destroy -c DOCKER',
    '<%= config.bin %> destroy -c DOCKER --volumes',
  ]
  static override flags = {
    cloud,
    dir: Flags.string({ summary: 'folder of the set-up, if not the context’s', helpValue: 'DIR' }),
    volumes: Flags.boolean({ summary: 'remove ledger, models, data and secrets as well' }),
    yes: shared.yes,
    verbose: Flags.boolean({ char: 'v', summary: 'as everywhere', hidden: true }),
    ...old,
  }

  async run(): Promise<{ context: string; folder: string; volumes: boolean }> {
    const { flags } = await this.parse(Destroy)
    requireDocker(flags.cloud, 'destroy')
    for (const text of unused(flags)) this.caution(text)
    const place = this.#place(flags.dir)
    const docker = await findDocker()
    const jobs = await jobsOf(docker, place)
    const services = jobs.filter(({ serves }) => serves).length
    const trainings = countText(jobs.length - services, 'training')
    const ended = `${trainings} and ${countText(services, 'endpoint')}`
    const what = jobs.length === 0 ? '' : `, and end ${ended}`
    await this.confirmed(`Take down kaos in ${place.folder}${what}?`, flags.yes)
    if (flags.volumes) {
      const lost = 'Remove its ledger, models, data and secrets for ever?'
      await this.confirmed(lost, flags.yes)
    }
    await composeDown(docker, place, { ...flags, shown: this.watched !== undefined })
    if (flags.volumes) place.remove()
    this.#forget(place)
    this.info('Successfully destroyed the DOCKER build')
    if (!flags.volumes) {
      this.result(`Its data are in volumes, its secrets in ${place.folder}. To bring it back:`)
      this.result(`       kaos build deploy -c DOCKER --dir ${place.folder}`)
    }
    return { context: DOCKER, folder: place.folder, volumes: flags.volumes }
  }

  #place(dir: string | undefined): Place {
    const known = this.settings.state?.contexts.find(({ name }) => name === DOCKER)?.folder
    const place = new Place(dir ?? known ?? 'kaos-docker')
    if (place.exists) return place
    const next = 'name its folder with --dir'
    throw refusal(`there is no set-up in ${place.folder}; ${next}`)
  }

  #forget(place: Place): void {
    const { state } = this.settings
    const context = state?.contexts.find(({ name }) => name === DOCKER)
    if (state === undefined || context?.folder !== place.folder) return
    state.removeContext(DOCKER)
    state.save()
    forget(state.folder)
  }
}
