/* Which GPUs a container gets. The engine itself would give everybody the first ones. */
import { KaosError } from '../../api/errors.ts'
import { type Engine, reaching } from './engine.ts'
import type { Host } from './host.ts'
import { type Devices, freeGpus, GPUS_LABEL } from './sandbox.ts'

export class Gpus {
  readonly #engine: Engine
  readonly #host: () => Promise<Host>
  #last: Promise<unknown> = Promise.resolve()

  constructor(engine: Engine, host: () => Promise<Host>) {
    this.#engine = engine
    this.#host = host
  }

  /** Starts something with so many GPUs that nothing else runs on: one such start at a time. */
  async holding<T>(wanted: number, start: (devices?: Devices) => Promise<T>): Promise<T> {
    if (wanted === 0) return start()
    const turn = this.#last.then(async () => start(await this.#pick(wanted)))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #pick(wanted: number): Promise<Devices> {
    const { capabilities, gpuDriver: driver } = await this.#host()
    // The engine has the last word on a host where none can be counted.
    if (capabilities.gpus === 0) return { driver: 'nvidia', numbers: [] }
    const numbers = freeGpus(capabilities.gpus, await this.#taken(), wanted)
    if (numbers !== undefined) return { driver, numbers }
    throw new KaosError(
      'RUNNER_UNAVAILABLE',
      `${wanted} GPUs were asked for, and of the ${capabilities.gpus} of this host fewer are free; ` +
        'wait until a job has ended, or ask for fewer with --gpu',
    )
  }

  async #taken(): Promise<number[]> {
    const found = await reaching(this.#engine, () =>
      this.#engine.docker.listContainers({ filters: { label: [GPUS_LABEL] } }),
    )
    const numbers = found.flatMap(one => (one.Labels[GPUS_LABEL] ?? '').split(','))
    return numbers.filter(number => number !== '').map(Number)
  }
}
