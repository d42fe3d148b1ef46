/* Which GPUs a container gets. The engine itself would give everybody the first ones. What runs says
 * by a label which it has, so that they stay taken whoever started it and however often the worker was
 * restarted. */
import { pickGpus } from '../gpus.ts'
import { type Engine, reaching } from './engine.ts'
import type { Host } from './host.ts'
import { type Devices, GPUS_LABEL } from './sandbox.ts'

export class GpuClaims {
  readonly #engine: Engine
  readonly #host: () => Promise<Host>
  #last: Promise<unknown> = Promise.resolve()

  constructor(engine: Engine, host: () => Promise<Host>) {
    this.#engine = engine
    this.#host = host
  }

  /** Starts something with so many GPUs that nothing else runs on: one such start at a time. Devices
   * are absent where the host has none that can be told apart. */
  async holding<T>(wanted: number, start: (devices?: Devices) => Promise<T>): Promise<T> {
    const { gpus, gpuDriver: driver } = await this.#host()
    // The engine has the last word on a host where none can be counted.
    if (gpus.devices.length === 0) return start()
    if (wanted === 0) return start({ driver, given: [] })
    const turn = this.#last.then(async () => {
      const given = pickGpus(gpus.devices, await this.#taken(), wanted)
      return start({ driver, given })
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  async #taken(): Promise<Set<string>> {
    const found = await reaching(this.#engine, () =>
      this.#engine.docker.listContainers({ filters: { label: [GPUS_LABEL] } }),
    )
    const taken = found.flatMap(one => (one.Labels[GPUS_LABEL] ?? '').split(','))
    return new Set(taken.filter(index => index !== ''))
  }
}
