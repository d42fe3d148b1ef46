/* Work that goes on while parts are taken away: pushes of several kinds, and trainings of the real CLI.
 * What was acknowledged is kept, and what was refused is counted by status. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobView, TrainList } from '../../../api/wire.ts'
import type { cli, Done } from '../kaos.ts'
import { type Accepted, type Pusher, Refused, WORKSPACE } from '../pushing.ts'

const SHARED_BYTES = 60_000
const OWN_BYTES = 500
/** Nobody pushes on and on against a closed door. */
const AFTER_REFUSAL_MS = 200

/** Pushes on and on until it is told to stop. */
export class Pushing {
  readonly accepted: Accepted[] = []
  /** By status; `line`: no answer. */
  readonly refused = new Map<string, number>()
  /** Texts of answers that should not have been given. */
  readonly wrong: string[] = []
  readonly #stop = new AbortController()
  readonly #running: Promise<void>[]

  constructor(pushers: readonly Pusher[]) {
    this.#running = pushers.map(pusher => this.#push(pusher))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  async #push(pusher: Pusher): Promise<void> {
    const shared = randomBytes(SHARED_BYTES)
    while (!this.#stop.signal.aborted) {
      try {
        this.accepted.push(await pusher.push({ own: randomBytes(OWN_BYTES), shared }))
      } catch (error) {
        this.#refuse(error as Error)
        await sleep(AFTER_REFUSAL_MS)
      }
    }
  }

  #refuse(error: Error): void {
    const status = error instanceof Refused ? (/: (\d{3}) /.exec(error.message)?.[1] ?? '') : 'line'
    this.refused.set(status, (this.refused.get(status) ?? 0) + 1)
    if (status === '500') this.wrong.push(error.message)
  }
}

/** A training, and data that hold its number. */
export function writeBundle(work: string, number: number, dockerfile: string, train: string): void {
  const steps = join(work, 'code', 'steps')
  mkdirSync(join(steps, 'model'), { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'number.txt'), `${number}\n`)
  writeFileSync(join(steps, 'Dockerfile'), dockerfile)
  writeFileSync(join(steps, 'model', 'train'), train)
  chmodSync(join(steps, 'model', 'train'), 0o755)
}

export type Kaos = ReturnType<typeof cli>

/** Deploys what lies in the folder, and answers as the CLI did. */
export async function deploy(kaos: Kaos): Promise<Done> {
  const done = await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--json')
  assert.doesNotMatch(done.stderr, /\n\s+at /, 'an error is one line, not a stack')
  return done
}

/** Every job of the workspace once all have ended. */
export async function settledJobs(url: string): Promise<JobView[]> {
  const base = `${url}/api/v1/workspaces/${WORKSPACE}`
  const ask = async <T>(path: string) => {
    const answer = await fetch(`${base}/${path}`)
    assert.equal(answer.status, 200, path)
    return (await answer.json()) as T
  }
  for (;;) {
    const { training } = await ask<TrainList>('train')
    if (!training.some(job => /STARTING|RUNNING|MERGING/.test(job.state))) {
      return Promise.all(training.map(({ jobId }) => ask<JobView>(`jobs/${jobId}`)))
    }
    await sleep(300)
  }
}

/** Asks until the server takes changes and says that it is ready; how long that took. */
export async function untilReady(url: string): Promise<number> {
  const since = performance.now()
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined)
    const ready = answer?.status === 200
    await answer?.arrayBuffer()
    if (ready) return performance.now() - since
    await sleep(20)
  }
}
