/* The programs that run in this engine's containers, by place. */
import type Dockerode from 'dockerode'
import type { Address, Environment } from '../../api/attempts.ts'
import type { Measurement } from '../../api/measurements.ts'
import { timeOf } from '../exit.ts'
import { openGpuLook } from '../gpu-use.ts'
import { gpuFacts } from '../gpus.ts'
import { readLog } from '../read-log.ts'
import { forget, readRecord, writeRecord } from '../records.ts'
import type { Exit, Place, Running, RunOrder, TrialOrder } from '../runner.ts'
import type { Purpose, Sandbox } from '../sandbox.ts'
import { type Engine, isGone, reaching, statusOf } from './engine.ts'
import { GpuClaims } from './gpus.ts'
import type { Host } from './host.ts'
import type { Images } from './images.ts'
import { LogPump } from './pump.ts'
import { openOutput } from './readable.ts'
import { ATTEMPT_LABEL, GPUS_LABEL } from './sandbox.ts'
import { launch } from './start.ts'
import { measurementOf } from './stats.ts'
import { lost, purposeOf, watch } from './watch.ts'

interface Live {
  readonly container: string
  /** GPUs that it was given, by number. */
  readonly gpus: readonly string[]
  readonly running: Running
  readonly pump: LogPump
  readonly released: AbortController
}

/** Beyond the grace, for an engine that is busy. */
const STOP_WITHIN_MS = 180_000

type Info = Dockerode.ContainerInspectInfo

export class Programs {
  readonly #engine: Engine
  readonly #network: string | undefined
  readonly #images: Images
  readonly #host: () => Promise<Host>
  readonly #gpus: GpuClaims
  readonly #look = openGpuLook()
  readonly #live = new Map<string, Live>()

  constructor(engine: Engine, images: Images, host: () => Promise<Host>, network?: string) {
    this.#engine = engine
    this.#network = network
    this.#images = images
    this.#host = host
    this.#gpus = new GpuClaims(engine, host)
  }

  async start(order: RunOrder | TrialOrder, place: Place, purpose: Purpose): Promise<Running> {
    const { environment: facts, gpus } = await this.#host()
    const engine = this.#engine
    let host = facts
    const launched = await this.#gpus.holding(order.resources.gpu ?? 0, devices => {
      host = { ...facts, ...gpuFacts(devices?.given ?? [], gpus) }
      return launch({
        engine,
        images: this.#images,
        order,
        place,
        purpose,
        network: this.#network,
        ...(devices === undefined ? {} : { devices }),
      })
    })
    if (launched.state === 'refused') {
      await writeRecord(place, 'exit', launched.exit)
      return ended(launched.exit, host)
    }
    // It prints already.
    const pump = new LogPump(engine, place, launched.container)
    try {
      const info = await reaching(engine, () => this.#container(launched.container).inspect())
      const environment = environmentOf(host, order, info, launched.sandbox)
      const startedAt = timeOf(info.State.StartedAt)
      await writeRecord(place, 'started', { container: info.Id, purpose, startedAt, environment })
      return this.#follow(place, info, environment, pump).running
    } catch (error) {
      await pump.halt()
      throw error
    }
  }

  async adopt(place: Place): Promise<Running | undefined> {
    const live = this.#live.get(place.attempt)
    if (live !== undefined) return live.running
    const started = await readRecord(place, 'started')
    const exit = await readRecord(place, 'exit')
    if (exit !== undefined) return ended(exit, started?.environment ?? {})
    const info = await this.#find(place)
    if (info !== undefined) {
      const environment = started?.environment ?? (await this.#host()).environment
      return this.#follow(place, info, environment).running
    }
    if (started === undefined) return undefined
    const gone = lost(started.startedAt, 'the container is gone from the engine')
    await writeRecord(place, 'exit', gone)
    return ended(gone, started.environment)
  }

  async stop(place: Place, graceMs: number): Promise<void> {
    const info = await this.#find(place)
    if (info === undefined || !info.State.Running) return
    await writeRecord(place, 'stop', { at: new Date().toISOString() })
    const container = this.#container(info.Id)
    try {
      // The engine asks, waits and kills, even if this process dies meanwhile.
      const stopped = () => container.stop({ t: Math.ceil(graceMs / 1000) })
      await reaching(this.#engine, stopped, graceMs + STOP_WITHIN_MS)
    } catch (error) {
      // 304: it had ended by then.
      if (!isGone(error) && statusOf(error) !== 304) throw error
    }
  }

  async *logs(place: Place, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* readLog(place, offset, await this.#pumpOf(place), signal)
  }

  async stats(place: Place): Promise<Measurement | undefined> {
    const live = this.#live.get(place.attempt)
    const id = live?.container ?? (await this.#find(place))?.Id
    if (id === undefined) return undefined
    try {
      const options = { stream: false, 'one-shot': true } as const
      const given = live?.gpus ?? []
      const [stats, gpus] = await Promise.all([
        reaching(this.#engine, () => this.#container(id).stats(options)),
        given.length === 0 ? [] : this.#look(given),
      ])
      const measured = measurementOf(stats)
      return measured && { ...measured, ...(gpus.length > 0 && { gpus }) }
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  async release(place: Place): Promise<void> {
    const live = this.#live.get(place.attempt)
    live?.released.abort()
    await live?.pump.halt()
    this.#live.delete(place.attempt)
    for (const id of await this.#idsOf(place)) {
      try {
        await reaching(this.#engine, () => this.#container(id).remove({ force: true, v: true }))
      } catch (error) {
        // 409: it is being removed already.
        if (!isGone(error) && statusOf(error) !== 409) throw error
      }
    }
    await forget(place)
  }

  #container(id: string): Dockerode.Container {
    return this.#engine.docker.getContainer(id)
  }

  async #idsOf(place: Place): Promise<string[]> {
    const filters = { label: [`${ATTEMPT_LABEL}=${place.attempt}`] }
    const found = await reaching(this.#engine, () =>
      this.#engine.docker.listContainers({ all: true, filters }),
    )
    return found.map(one => one.Id)
  }

  /** The place's container, if one was ever started; one that was only made is taken away. */
  async #find(place: Place): Promise<Info | undefined> {
    for (const id of await this.#idsOf(place)) {
      try {
        const info = await reaching(this.#engine, () => this.#container(id).inspect())
        if (info.State.Status !== 'created') return info
        await reaching(this.#engine, () => this.#container(id).remove({ force: true, v: true }))
      } catch (error) {
        if (!isGone(error)) throw error
      }
    }
    return undefined
  }

  /** `early`: what keeps the log up already. */
  #follow(place: Place, info: Info, environment: Environment, early?: LogPump): Live {
    const already = this.#live.get(place.attempt)
    if (already !== undefined) return already
    const engine = this.#engine
    const released = new AbortController()
    const startedAt = timeOf(info.State.StartedAt)
    const exit = watch({
      engine,
      place,
      container: info.Id,
      startedAt,
      released: released.signal,
      afterwards: async end => {
        if (purposeOf(end) === 'train' && process.getuid?.() !== 0) await openOutput(engine, end)
      },
    })
    const address = addressOf(info)
    const running = { startedAt, exit, environment, ...(address === undefined ? {} : { address }) }
    const pump = early ?? new LogPump(engine, place, info.Id)
    const numbers = info.Config.Labels?.[GPUS_LABEL] ?? ''
    const gpus = numbers.split(',').filter(number => number !== '')
    const live = { container: info.Id, gpus, running, pump, released }
    this.#live.set(place.attempt, live)
    return live
  }

  /** What keeps the log of this place up, started if the program was found only now. */
  async #pumpOf(place: Place): Promise<LogPump | undefined> {
    const live = this.#live.get(place.attempt)
    if (live !== undefined) return live.pump
    if ((await readRecord(place, 'log')) !== undefined) return undefined
    const info = await this.#find(place)
    if (info === undefined) return undefined
    const started = await readRecord(place, 'started')
    return this.#follow(place, info, started?.environment ?? {}).pump
  }
}

function ended(exit: Exit, environment: Environment): Running {
  return { startedAt: exit.startedAt, exit: Promise.resolve(exit), environment }
}

/** Published on loopback, or in the network that we share with it. */
function addressOf(info: Info): Address | undefined {
  const { Ports, Networks } = info.NetworkSettings ?? {}
  const port = Ports?.['8080/tcp']?.[0]?.HostPort
  if (port !== undefined) return { host: '127.0.0.1', port: Number(port) }
  const { NetworkMode: network = '' } = info.HostConfig
  const host = purposeOf(info) === 'serve' ? Networks?.[network]?.IPAddress : undefined
  return host ? { host, port: 8080 } : undefined
}

function environmentOf(
  host: Environment,
  order: RunOrder | TrialOrder,
  info: Info,
  sandbox: Sandbox,
): Environment {
  const seeds = Object.entries(order.env).filter(([name]) => /SEED/.test(name))
  return {
    ...host,
    image: order.image.name,
    imageId: info.Image,
    ...(order.image.manifest === undefined ? {} : { manifest: order.image.manifest }),
    user: sandbox.user,
    network: sandbox.network,
    relaxations: sandbox.relaxations,
    limits: order.resources,
    ...(seeds.length === 0 ? {} : { seeds: Object.fromEntries(seeds) }),
  }
}
