import { KaosCommand } from '../../base.ts'
import { forget } from '../../caches.ts'
import { cloud, DOCKER, old, requireDocker, unused } from '../../compose/clouds.ts'
import { type Docker, findDocker, refusal, socketOf } from '../../compose/docker.ts'
import { ownImage, Place } from '../../compose/place.ts'
import { composeUp, elsewhere, isThere, requireFreePort, requireImage } from '../../compose/up.ts'
import { environment } from '../../config.ts'
import { parseEndpoint } from '../../endpoint.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'
import { stateHere } from '../../state.ts'

const HOST = '127.0.0.1'

export default class BuildDeploy extends KaosCommand {
  static override description =
    'Writes a folder with docker-compose.yml and secrets, starts server, worker, Neo4j, S3 and Redis, and makes the context DOCKER the active one. A second time it brings the same set-up up to date; secrets and data stay. See docs/compose.md.'
  static override examples = [
    '<%= config.bin %> build deploy -c DOCKER',
    '<%= config.bin %> build deploy -c DOCKER --port 9000 --public_url https://kaos.example.org',
  ]
  static override flags = {
    cloud,
    dir: Flags.string({
      summary: 'folder to write',
      default: 'kaos-docker',
      helpValue: 'DIR',
    }),
    port: Flags.integer({ summary: 'port on this machine (default 8080)', min: 1, max: 65_535 }),
    public_url: Flags.string({ summary: 'address under which others reach it', helpValue: 'URL' }),
    image: Flags.string({ summary: 'image of kaos to run', helpValue: 'NAME' }),
    gpu: Flags.boolean({ summary: 'give the NVIDIA GPUs of this machine to jobs' }),
    project: Flags.string({ summary: 'name of the compose project (default kaos)' }),
    force: Flags.boolean({ char: 'f', summary: 'the same as --yes' }),
    yes: shared.yes,
    verbose: Flags.boolean({ char: 'v', summary: 'show the address of the new endpoint' }),
    ...old,
  }

  async run(): Promise<{ context: string; endpoint: string; folder: string }> {
    const { flags } = await this.parse(BuildDeploy)
    requireDocker(flags.cloud, 'deploy')
    for (const text of unused(flags)) this.caution(text)
    const place = new Place(flags.dir)
    if (place.exists) {
      this.caution(`there is a set-up in ${place.folder} already; its secrets and data are kept`)
      await this.confirmed('Bring it up to date?', flags.force || flags.yes)
    }
    const docker = await findDocker()
    const settings = settingsOf(place, flags, await socketOf(docker))
    const { KAOS_PORT: port, KAOS_IMAGE: image, KAOS_SOURCE: source } = settings
    await this.#requireRoom(docker, place, settings.COMPOSE_PROJECT_NAME!, Number(port))
    await requireImage(docker, image!, source)
    place.write(settings)
    this.note(`starting kaos from ${place.folder}; the first time takes some minutes`)
    const shown = this.watched !== undefined
    await composeUp(docker, place, { build: source !== undefined, shown })
    const endpoint = parseEndpoint(`http://${HOST}:${port}`)
    this.#connect(place, endpoint)
    this.info(`Successfully set up kaos at ${endpoint}`)
    this.result('Next:  kaos workspace create -n NAME')
    this.result('       kaos admin user add NAME          for everybody who is to use it')
    this.result('       kaos destroy -c DOCKER            takes it down; its data stay')
    return { context: DOCKER, endpoint, folder: place.folder }
  }

  async #requireRoom(docker: Docker, place: Place, project: string, port: number): Promise<void> {
    const other = await elsewhere(docker, place, project)
    if (other !== undefined) {
      const next = `deploy there (--dir ${other}), or give this one another name (--project NAME)`
      throw refusal(`the project ${project} runs from ${other} already; ${next}`)
    }
    if (!(await isThere(docker, project))) await requireFreePort(HOST, port)
  }

  #connect(place: Place, endpoint: string): void {
    const state = stateHere(process.cwd())
    const token = place.secret('admin_token')
    state.user ??= environment().user
    if (state.active?.url !== endpoint) state.workspace = undefined
    state.setContext({ name: DOCKER, url: endpoint, token, folder: place.folder })
    state.activate(DOCKER)
    state.save()
    forget(state.folder)
  }
}

interface Asked {
  readonly port?: number | undefined
  readonly public_url?: string | undefined
  readonly image?: string | undefined
  readonly gpu?: boolean
  readonly project?: string | undefined
}

/** What was asked for, else what the folder has, else the default. */
function settingsOf(
  place: Place,
  asked: Asked,
  socket: string | undefined,
): Record<string, string> {
  const before = place.settings
  const own = ownImage()
  const image = asked.image ?? own.image
  const port = String(asked.port ?? before.KAOS_PORT ?? 8080)
  const publicUrl = asked.public_url ?? before.KAOS_PUBLIC_URL
  return {
    COMPOSE_PROJECT_NAME: asked.project ?? before.COMPOSE_PROJECT_NAME ?? 'kaos',
    KAOS_IMAGE: image,
    ...(asked.image === undefined && own.source !== undefined && { KAOS_SOURCE: own.source }),
    KAOS_PORT: port,
    ...(socket === undefined ? {} : { KAOS_DOCKER_SOCKET: socket }),
    KAOS_WORKER_DIR: place.workerFolder,
    ...(publicUrl === undefined ? {} : { KAOS_PUBLIC_URL: publicUrl }),
    ...(asked.gpu && { COMPOSE_PROFILES: 'gpu', KAOS_CPU_WORKERS: '0' }),
  }
}
