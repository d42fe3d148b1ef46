/* Makes a container, looks whether its program can start, and starts it. */
import { chmod, mkdir } from 'node:fs/promises'
import type Dockerode from 'dockerode'
import { KaosError } from '../../api/errors.ts'
import { noGpus } from '../gpus.ts'
import type { Exit, Place, RunOrder, TrialOrder } from '../runner.ts'
import { type Purpose, type Sandbox, sandboxOf } from '../sandbox.ts'
import { type Engine, isGone, reaching, refused, statusOf, translated, wordsOf } from './engine.ts'
import type { Images } from './images.ts'
import { giveFolder, whyNotStartable, whyNotUser } from './program.ts'
import { type Box, containerOf, type Devices } from './sandbox.ts'

const TRIES = 3
const NO_GPU =
  /could not select device driver|unknown runtime specified|unknown or invalid runtime/i
const NOT_VISIBLE = /bind source path does not exist/i

export interface Launch {
  readonly engine: Engine
  readonly images: Images
  readonly order: RunOrder | TrialOrder
  readonly place: Place
  readonly purpose: Purpose
  readonly network?: string | undefined
  readonly devices?: Devices
}

export type Launched =
  | { readonly state: 'started'; readonly container: string; readonly sandbox: Sandbox }
  /** The bundle's own fault: nothing runs and nothing is left. */
  | { readonly state: 'refused'; readonly exit: Exit }

export async function launch(work: Launch): Promise<Launched> {
  const { engine, order } = work
  await mkdir(work.place.dir, { recursive: true })
  // The program is another user than we are, and the folder is its own.
  if ('out' in order) await chmod(order.out, 0o777)
  for (let tries = 1; ; tries++) {
    const info = await work.images.ensure(order.image, () => order.layout())
    const sandbox = sandboxOf(info.Config, order, work.purpose)
    const box = { ...work, attempt: work.place.attempt, image: info.Id, sandbox }
    try {
      return await tryOnce(engine, work.images, box)
    } catch (error) {
      // The image was cleaned away between the look and the use, or the port was just taken.
      const passing = isGone(error) || /port is already allocated/.test(wordsOf(error))
      if (!passing || tries >= TRIES) throw inWords(translated(engine, error), order)
    }
  }
}

async function tryOnce(engine: Engine, images: Images, box: Box): Promise<Launched> {
  const made = await create(engine, box)
  if (typeof made === 'string') return noStart(made)
  let started = false
  try {
    const { user, workingDir } = box.sandbox
    const looked = JSON.stringify([box.image, user, workingDir, box.purpose])
    const why = await images.whyNot(
      looked,
      async () =>
        (await whyNotUser(made, box.sandbox)) ??
        (await whyNotStartable(made, box.sandbox, box.purpose)),
    )
    if (why !== undefined) return noStart(why)
    if (box.sandbox.needsFolder) await giveFolder(made, box.sandbox)
    const refusal = await start(engine, made)
    if (refusal !== undefined) return noStart(refusal)
    started = true
    return { state: 'started', container: made.id, sandbox: box.sandbox }
  } finally {
    if (!started) await made.remove({ force: true, v: true }).catch(() => {})
  }
}

/** The container, or what the engine has against the order. */
async function create(engine: Engine, box: Box): Promise<Dockerode.Container | string> {
  const order = containerOf(box)
  const make = () => reaching(engine, () => engine.docker.createContainer(order))
  try {
    return await make()
  } catch (error) {
    if (statusOf(error) === 409) {
      await clearAway(engine, order.name!)
      return await make()
    }
    const words = wordsOf(error)
    if (statusOf(error) !== 400 || NOT_VISIBLE.test(words) || NO_GPU.test(words)) throw error
    return `the engine refuses the container: ${words}`
  }
}

/** A container of this attempt that was made and never started is a start that was cut off. */
async function clearAway(engine: Engine, name: string): Promise<void> {
  const container = engine.docker.getContainer(name)
  const { State } = await container.inspect()
  if (State.Status !== 'created') {
    throw new KaosError('CONFLICT', `${name} was started before; adopt it instead`)
  }
  await container.remove({ force: true, v: true })
}

/** Undefined when it runs; what the engine says when the program itself cannot be executed. */
async function start(engine: Engine, container: Dockerode.Container): Promise<string | undefined> {
  try {
    await reaching(engine, () => container.start())
    return undefined
  } catch (error) {
    const words = wordsOf(error)
    if (!/OCI runtime|exec:|chdir|unable to find user/i.test(words)) throw error
    return `the program cannot be started: ${words}`
  }
}

function noStart(reason: string): Launched {
  const now = new Date().toISOString()
  return { state: 'refused', exit: { state: 'failed', reason, startedAt: now, finishedAt: now } }
}

function inWords(error: unknown, order: RunOrder): unknown {
  if (error instanceof KaosError) return error
  const words = wordsOf(error)
  if ((order.resources.gpu ?? 0) > 0 && NO_GPU.test(words)) {
    return noGpus(order.resources.gpu ?? 0, 0, error)
  }
  if (NOT_VISIBLE.test(words)) {
    const message = `the Docker Engine does not see the worker's folders; run both on one host (${words})`
    return new KaosError('RUNNER_UNAVAILABLE', message, { cause: error })
  }
  return refused('the engine could not start the container', error)
}
