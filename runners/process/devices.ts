/* Which program has which GPU, as files that outlive the worker:
 *
 *   <folder>/<index>.json   {"dir": the place of the program that has it}
 *
 * A device is taken while its program is being started or runs; whoever looks, also after a restart,
 * sees that from the place itself. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Gpu } from '../../api/workers.ts'
import { writeDurably } from '../durably.ts'
import { pickGpus } from '../gpus.ts'
import { hasEnded } from './attend.ts'
import { placeFiles } from './place-files.ts'

export class DeviceClaims {
  readonly #folder: string
  readonly #devices: readonly Gpu[]
  /** Places whose program is being started. */
  readonly #starting = new Set<string>()

  constructor(folder: string, devices: readonly Gpu[]) {
    this.#folder = folder
    this.#devices = devices
  }

  /** Starts something with so many devices that no other program has. */
  async holding<T>(
    wanted: number,
    dir: string,
    start: (given: readonly Gpu[]) => Promise<T>,
  ): Promise<T> {
    const given = pickGpus(this.#devices, wanted === 0 ? new Set() : this.#taken(), wanted)
    if (wanted > 0) mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    for (const { index } of given) writeDurably(this.#fileOf(index), { dir })
    this.#starting.add(dir)
    try {
      return await start(given)
    } finally {
      this.#starting.delete(dir)
    }
  }

  /** The program in this place is over and done with. */
  release(dir: string): void {
    for (const [index, holder] of this.#claims()) {
      if (holder === dir) rmSync(this.#fileOf(index), { force: true })
    }
  }

  #taken(): Set<string> {
    const holds = (dir: string) => this.#starting.has(dir) || !hasEnded(placeFiles(dir))
    return new Set([...this.#claims()].filter(([, dir]) => holds(dir)).map(([index]) => index))
  }

  *#claims(): Generator<[index: string, dir: string]> {
    if (this.#devices.length === 0) return
    for (const { index } of this.#devices) {
      try {
        const { dir } = JSON.parse(readFileSync(this.#fileOf(index), 'utf8')) as { dir: string }
        yield [index, dir]
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }

  #fileOf(index: string): string {
    return join(this.#folder, `${index.replace(':', '-')}.json`)
  }
}
