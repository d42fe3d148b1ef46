/* Rounds: the contestants in turn, A B A B …, each from nothing to the second version; what comes back
 * is compared with what was sent, every time. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import type { Contestant, Round, Sample } from './contestant.ts'
import { sumOf } from './making.ts'
import { type Versions, Work } from './work.ts'

export type Step = 'push v1' | 'push again' | 'checkout v1' | 'push v2' | 'checkout v2'

export interface Suite {
  readonly name: 'W1' | 'W2' | 'W3' | 'W5'
  readonly versions: Versions
  readonly steps: readonly Step[]
}

export interface Line extends Sample {
  readonly suite: string
  readonly step: Step
  readonly contestant: string
  readonly round: number
  /** Bytes were counted on the socket, so the times say nothing. */
  readonly counted: boolean
  readonly load: number
}

export interface Running {
  readonly rounds: number
  /** For everything that is made meanwhile. */
  readonly folder: string
  readonly counted: boolean
  readonly profiles?: string | undefined
  record(line: Line): void
  /** A contestant that failed takes no further part; one that only failed to fetch goes on without that
   * step, so that its pushes are compared all the same. */
  failed(contestant: string, error: Error): void
}

export async function runRounds(
  suite: Suite,
  contestants: readonly Contestant[],
  running: Running,
): Promise<void> {
  const shared = new Work(join(running.folder, 'work'), suite.versions)
  const taking = new Map(contestants.map(one => [one, new Set(suite.steps)]))
  for (let round = 1; round <= running.rounds; round++) {
    for (const [contestant, steps] of taking) {
      const folder = join(running.folder, `${contestant.name}-${round}`)
      mkdirSync(folder)
      const own = join(folder, 'own', 'work')
      const work = contestant.ownWork ? new Work(made(own), suite.versions) : shared
      try {
        await oneRound(suite, contestant, { folder, work, round, steps }, running)
      } catch (error) {
        running.failed(contestant.name, error as Error)
        taking.delete(contestant)
      } finally {
        shared.revert()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
  rmSync(shared.folder, { recursive: true, force: true })
}

function made(folder: string): string {
  mkdirSync(dirname(folder), { recursive: true })
  return folder
}

interface Here {
  readonly folder: string
  readonly work: Work
  readonly round: number
  /** Those that it has not failed in. */
  readonly steps: Set<Step>
}

async function oneRound(
  suite: Suite,
  contestant: Contestant,
  { folder, work, round, steps }: Here,
  running: Running,
): Promise<void> {
  const { counted, profiles } = running
  const session = await contestant.begin({ folder, work: work.folder, counted, profiles })
  try {
    for (const step of steps) {
      const sample = await taken(step, session, work, folder).catch(error => {
        if (!step.startsWith('checkout')) throw error
        steps.delete(step)
        running.failed(contestant.name, error)
      })
      if (sample === undefined) continue
      const load = loadavg()[0] ?? 0
      running.record({
        suite: suite.name,
        step,
        contestant: contestant.name,
        round,
        counted,
        load,
        ...sample,
      })
    }
  } finally {
    await session.end()
  }
}

async function taken(
  step: Step,
  session: Round,
  work: Work,
  folder: string,
): Promise<Sample | undefined> {
  const version = step.endsWith('v2') ? 'v2' : 'v1'
  if (version === 'v2') work.change()
  // Nobody pays for what somebody else has left to be written.
  execFileSync('sync')
  if (step.startsWith('push')) return session.push(version)
  if (session.checkout === undefined) return undefined
  const target = join(folder, 'checkout')
  mkdirSync(target)
  try {
    const sample = await session.checkout(version, target)
    requireSame(work, target)
    return sample
  } finally {
    rmSync(target, { recursive: true })
  }
}

/** A fast wrong answer is a bug with a stopwatch. */
function requireSame(work: Work, target: string): void {
  const wanted = work.sum()
  // Some put what they fetch into a folder of its name.
  const visible = readdirSync(target).filter(name => !name.startsWith('.') && name !== 'work.dvc')
  const inner = visible.length === 1 ? [join(target, visible[0]!)] : []
  const found = [target, ...inner].some(one => existsSync(one) && sumOf(one) === wanted)
  if (!found) throw new Error(`other files came back than were sent (${visible.join(', ')})`)
}
