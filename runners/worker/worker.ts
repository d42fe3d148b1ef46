/* The worker: claims work, one attempt per slot, and sees each to its end. Services take no slot.
 * What an earlier life left is taken up first; one worker at a time has the folder.
 *
 *   <folder>/lock                who has it
 *   <folder>/signing-key.json    what its outcomes are signed with
 *   <folder>/attempts/<id>/      order, progress, log, inputs and outputs of an attempt
 *   <folder>/cache/trees/<hex>/  inputs, read-only, shared by all attempts
 *   <folder>/cache/files/        the files that these are made of, by content */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorkOrder } from '../../api/attempts.ts'
import { isKaosError } from '../../api/errors.ts'
import type { WorkerAbout } from '../../api/workers.ts'
import { takeLock } from '../lock.ts'
import { removeFolder } from '../remove-folder.ts'
import type { Runner } from '../runner.ts'
import { aboutWorker } from './about.ts'
import { Attempt } from './attempt.ts'
import { AttemptFolder } from './attempt-folder.ts'
import type { AttemptsClient } from './attempts-client.ts'
import type { Forwarder } from './forwarder.ts'
import { backoff, pause } from './patience.ts'
import { Signer } from './signer.ts'
import { Slots } from './slots.ts'
import { Trees } from './trees.ts'
import type { Say, Workplace } from './work.ts'

export interface WorkerOptions {
  /** Name that the server shows. */
  readonly id: string
  readonly folder: string
  readonly client: AttemptsClient
  readonly runner: Runner
  /** Trainings and builds at once. */
  readonly slots: number
  /** Bytes of inputs that are kept when nobody uses them. */
  readonly cacheBytes: number
  /** What it carries, for jobs that ask for it. */
  readonly labels?: readonly string[]
  /** How the server reaches its services, where not by itself. */
  readonly forwarder?: Forwarder | undefined
  /** Whether it runs services. */
  readonly services?: boolean
  readonly say: Say
}

export interface Worker {
  /** Claims nothing more, leaves what runs to the next worker, and lets go of the folder. */
  close(): Promise<void>
}

const WAIT_MS = 20_000
const SERVICES_MAX = 64

export async function openWorker(options: WorkerOptions): Promise<Worker> {
  const closing = new AbortController()
  const waiting = () => options.say('waiting for another worker to let go of the folder')
  const unlock = await takeLock(join(options.folder, 'lock'), closing.signal, waiting)
  const worker = new Working(options, closing)
  try {
    await worker.resume()
  } catch (error) {
    unlock()
    throw error
  }
  const claiming = [
    worker.claim(['build', 'trial', 'ingest'], worker.slots),
    // Also asked for nothing: the server sees that the worker is there.
    worker.claim(options.services === false ? [] : ['service'], worker.services),
  ]
  return {
    async close() {
      closing.abort()
      await Promise.all(claiming)
      await worker.drain()
      options.forwarder?.close()
      unlock()
    },
  }
}

class Working {
  readonly slots: Slots
  readonly services = new Slots(SERVICES_MAX)
  readonly #options: WorkerOptions
  readonly #closing: AbortController
  readonly #attempts: string
  readonly #workplace: Workplace
  readonly #running = new Map<Attempt, Promise<void>>()
  #about: Promise<WorkerAbout> | undefined

  constructor(options: WorkerOptions, closing: AbortController) {
    this.slots = new Slots(options.slots)
    this.#options = options
    this.#closing = closing
    this.#attempts = join(options.folder, 'attempts')
    const { runner, say } = options
    const trees = new Trees(join(options.folder, 'cache'), {
      mostBytes: options.cacheBytes,
      inUse: () => treesIn([...this.#running.keys()].map(attempt => attempt.order)),
      areProtected: async () => (await runner.capabilities()).readOnlyInputs,
    })
    const signer = new Signer(options.folder, say)
    this.#workplace = { runner, say, signer, trees, forwarder: options.forwarder }
  }

  /** Takes up what is there, whether or not there are slots for it. */
  async resume(): Promise<void> {
    const { runner } = this.#workplace
    await mkdir(this.#attempts, { recursive: true, mode: 0o700 })
    const folders: AttemptFolder[] = []
    for (const attempt of await readdir(this.#attempts)) {
      const folder = await AttemptFolder.find(this.#attempts, attempt, runner)
      if (folder === undefined) await removeFolder(join(this.#attempts, attempt))
      else folders.push(folder)
    }
    await this.#workplace.trees.tidy(treesIn(folders.map(folder => folder.order)))
    for (const folder of folders) {
      const slots = folder.order.work.kind === 'service' ? this.services : this.slots
      slots.force()
      this.#begin(folder, slots, true)
    }
  }

  async claim(kinds: readonly string[], slots: Slots): Promise<void> {
    const { signal } = this.#closing
    let said = ''
    for (let failures = 0; !signal.aborted; ) {
      try {
        await slots.take(signal)
      } catch {
        return
      }
      try {
        const order = await this.#claimOne(kinds)
        failures = 0
        if (order === undefined) slots.give()
        else this.#begin(await this.#folderFor(order), slots, false)
      } catch (error) {
        slots.give()
        if (signal.aborted) return
        const why = messageOf(error)
        if (failures === 0 || why !== said) this.#options.say(`cannot claim work: ${why}`)
        said = why
        await pause(backoff(failures++), signal).catch(() => {})
      }
    }
  }

  #folderFor(order: WorkOrder): Promise<AttemptFolder> {
    return AttemptFolder.create(this.#attempts, order, this.#workplace.runner)
  }

  async #claimOne(kinds: readonly string[]): Promise<WorkOrder | undefined> {
    const { client, id, runner } = this.#options
    const { signal } = this.#closing
    const { signer } = this.#workplace
    const kid = await signer.enrolled(client, signal)
    const signed = kid === undefined ? {} : { kid }
    const about = await this.#aboutUs()
    const able = (kind: string) => kind !== 'build' || runner.builds !== false
    const asked = { worker: id, runner: runner.name, kinds: kinds.filter(able), waitMs: WAIT_MS }
    const claim = { ...asked, ...signed, about }
    try {
      return await client.claim(claim, signal)
    } catch (error) {
      if (isKaosError(error, 'KEY_REFUSED')) signer.refused()
      throw error
    }
  }

  #aboutUs(): Promise<WorkerAbout> {
    const { folder, labels = [], runner, slots, forwarder } = this.#options
    this.#about ??= aboutWorker({ folder, runner, slots, labels, forwarder: forwarder?.about })
    // An engine that does not answer may do so the next time.
    this.#about.catch(() => (this.#about = undefined))
    return this.#about
  }

  #begin(folder: AttemptFolder, slots: Slots, resumed: boolean): void {
    const { attempt: id, token } = folder.order
    const attempt = new Attempt(this.#workplace, folder, this.#options.client.attempt(id, token))
    const run = attempt.run(resumed).finally(() => {
      this.#running.delete(attempt)
      slots.give()
    })
    this.#running.set(attempt, run)
  }

  async drain(): Promise<void> {
    for (const attempt of this.#running.keys()) attempt.drain()
    await Promise.all(this.#running.values())
  }
}

/** Hex digits of every tree that these orders name. */
function treesIn(orders: readonly WorkOrder[]): Set<string> {
  const found = JSON.stringify(orders).matchAll(/sha256:([0-9a-f]{64})/g)
  return new Set(found.map(([, hex]) => hex!))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
