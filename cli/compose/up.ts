/* Brings the compose set-up of a folder up, and says what stands in the way. */
import { createServer } from 'node:net'
import { type Docker, lastLine, refusal } from './docker.ts'
import type { Place } from './place.ts'

const LABEL = 'com.docker.compose.project'
const READY_WITHIN_S = 600

/** The project of that name, where it runs from another folder. */
export async function elsewhere(
  { docker }: Docker,
  { folder }: Place,
  project: string,
): Promise<string | undefined> {
  const format = `{{.Label "${LABEL}.working_dir"}}`
  const filter = `label=${LABEL}=${project}`
  const { stdout } = await docker(['ps', '--all', '--filter', filter, '--format', format])
  return stdout.split('\n').find(one => one !== '' && one !== folder)
}

/** Whether containers of this project are there, so that the port is its own. */
export async function isThere({ docker }: Docker, project: string): Promise<boolean> {
  const filter = `label=${LABEL}=${project}`
  const { stdout } = await docker(['ps', '--quiet', '--filter', filter])
  return stdout.trim() !== ''
}

export function requireFreePort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const next = 'stop what has it, or choose another with --port'
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be taken (${error.code})`
      reject(refusal(`the port ${port} of ${host} ${why}; ${next}`))
    })
    server.listen(port, host, () => server.close(() => resolve()))
  })
}

/** The image is there, or can be made here, or can be pulled. */
export async function requireImage({ docker }: Docker, image: string, source: string | undefined) {
  if (source !== undefined) return
  if ((await docker(['image', 'inspect', image])).code === 0) return
  if (image.includes('/')) return
  const next = `build it in a clone of kaos (docker build -t ${image} .), or name one with --image`
  throw refusal(`the engine has no image ${image}; ${next}`)
}

export async function composeUp(
  docker: Docker,
  place: Place,
  { build, shown }: { build: boolean; shown: boolean },
): Promise<void> {
  const more = [...(build ? ['--build'] : []), '--remove-orphans']
  const wait = ['--detach', '--wait', '--wait-timeout', String(READY_WITHIN_S)]
  const done = await docker.compose([...at(place), 'up', ...wait, ...more], {
    shown,
    env: place.settings,
  })
  if (done.code === 0) return
  const why = lastLine(done.stderr)
  const look = `docker compose --project-directory ${place.folder} logs`
  throw refusal(`the set-up did not come up: ${why}. See what it says: ${look}`)
}

/** Which set-up a compose command is about, whatever the caller's own variables say. */
export function at({ folder }: Place): string[] {
  return ['--project-directory', folder, '--file', `${folder}/docker-compose.yml`]
}
