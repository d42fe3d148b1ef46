/* Takes a compose set-up down, with the containers that its worker started: the engine keeps those
 * whatever becomes of the worker. */
import { type Docker, lastLine, refusal } from './docker.ts'
import type { Place } from './place.ts'
import { at } from './up.ts'

const ATTEMPT = 'kaos.attempt'

interface Inspected {
  readonly Id: string
  readonly Mounts: readonly { readonly Source: string }[]
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, unknown>> }
  readonly Config: { readonly Labels: Readonly<Record<string, string>> }
}

/** Trainings and services that this set-up's worker has in the engine. */
export async function jobsOf({ docker }: Docker, place: Place) {
  const listed = await docker(['ps', '--all', '--quiet', '--filter', `label=${ATTEMPT}`])
  const ids = listed.stdout.split('\n').filter(id => id !== '')
  if (ids.length === 0) return []
  // One that has gone meanwhile makes this fail, and the others are told all the same.
  const { stdout } = await docker(['inspect', ...ids])
  const network = `${place.settings.COMPOSE_PROJECT_NAME ?? 'kaos'}_endpoints`
  const folder = `${place.workerFolder}/`
  return (JSON.parse(stdout) as Inspected[])
    .filter(({ Mounts, NetworkSettings }) => {
      const mounted = Mounts.some(({ Source }) => Source.startsWith(folder))
      return mounted || network in NetworkSettings.Networks
    })
    .map(({ Id, Config }) => ({ id: Id, serves: Config.Labels['kaos.purpose'] === 'serve' }))
}

export async function composeDown(
  docker: Docker,
  place: Place,
  { volumes, shown }: { volumes: boolean; shown: boolean },
): Promise<void> {
  const run = { shown, env: place.settings }
  const compose = async (...args: string[]) => {
    const done = await docker.compose([...at(place), '--profile', 'gpu', ...args], run)
    if (done.code !== 0) throw refusal(`docker compose ${args[0]} failed: ${lastLine(done.stderr)}`)
  }
  // First what would start others.
  await compose('stop', 'worker', 'worker-gpu')
  const jobs = await jobsOf(docker, place)
  if (jobs.length > 0) {
    const ids = jobs.map(({ id }) => id)
    const removed = await docker.docker(['rm', '--force', '--volumes', ...ids])
    if (removed.code !== 0) throw refusal(`jobs could not be ended: ${lastLine(removed.stderr)}`)
  }
  if (volumes) await emptyWorkerFolder(docker, place)
  await compose('down', '--remove-orphans', ...(volumes ? ['--volumes'] : []))
}

/** It belongs to root, as the worker does. */
async function emptyWorkerFolder({ docker }: Docker, place: Place): Promise<void> {
  const { KAOS_IMAGE: image } = place.settings
  const folder = place.workerFolder
  if (image === undefined) return
  const as = ['--rm', '--user', '0:0', '--network', 'none', '--volume', `${folder}:/worker`]
  const what = ['--entrypoint', 'find', image, '/worker', '-mindepth', '1', '-delete']
  const done = await docker(['run', ...as, ...what])
  if (done.code !== 0) throw refusal(`${folder} could not be emptied: ${lastLine(done.stderr)}`)
}
