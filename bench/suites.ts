/* Which workload goes through which steps, and who takes part. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Contestant } from './contestant.ts'
import { type Made, make } from './making.ts'
import { ours } from './ours.ts'
import type { Peers } from './peers.ts'
import { copying, rsync, tarring } from './plain.ts'
import { profilesIn } from './profile.ts'
import { type Line, runRounds, type Step, type Suite } from './rounds.ts'
import type { Settings } from './settings.ts'
import { W1, W2, W2_CHANGED, W3, W4, W5, type Workload } from './workloads.ts'

export interface Stage {
  /** Empty at first. */
  readonly folder: string
  readonly peers: Peers
  record(line: Line): void
}

interface Plan {
  readonly name: Suite['name']
  readonly v1: Workload
  readonly changes?: Workload
  readonly steps: readonly Step[]
  contestants(peers: Peers): (Contestant | undefined)[]
}

const VERSIONS: Step[] = ['push v1', 'push again', 'checkout v1', 'push v2', 'checkout v2']

const PLANS: readonly Plan[] = [
  {
    name: 'W1',
    v1: W1,
    changes: W4,
    steps: VERSIONS,
    contestants: ({ kit, rsyncIsHere }) => [
      ours,
      kit,
      copying(false),
      copying(true),
      rsyncIsHere ? rsync : undefined,
      tarring,
    ],
  },
  {
    name: 'W2',
    v1: W2,
    changes: W2_CHANGED,
    steps: VERSIONS,
    contestants: ({ kit, dvc, rsyncIsHere }) => [
      ours,
      kit,
      dvc,
      copying(false),
      copying(true),
      rsyncIsHere ? rsync : undefined,
      tarring,
    ],
  },
  {
    name: 'W3',
    v1: W3,
    steps: ['push v1', 'push again', 'checkout v1'],
    contestants: ({ kit }) => [ours, kit, copying(false), copying(true), tarring],
  },
  {
    name: 'W5',
    v1: W5,
    steps: ['push v1', 'push again', 'checkout v1'],
    contestants: ({ kit }) => [ours, kit, copying(false), tarring],
  },
]

const COUNTED = (step: Step) => step === 'push v1' || step === 'push v2'

/** The workload as it lies in the cache, said with its sum. */
export function madeFor(workload: Workload, { scale, cache }: Settings): Made {
  const made = make(workload, scale, cache)
  const size = `${made.files} files, ${made.bytes} bytes`
  console.log(`${workload.name}: ${workload.about}; made ${size}, sha256 ${made.sha256}`)
  return made
}

export async function everySuite(settings: Settings, stage: Stage): Promise<void> {
  for (const plan of PLANS) {
    if (!settings.only.includes(plan.name)) continue
    const v1 = madeFor(plan.v1, settings)
    const changes = plan.changes && madeFor(plan.changes, settings)
    const suite: Suite = { name: plan.name, versions: { v1, changes }, steps: plan.steps }
    const missing = new Set<string>()
    const failed = (name: string, error: Error) => {
      missing.add(name)
      stage.peers.missing.set(`${plan.name} ${name}`, `${name} failed`)
      console.log(`${plan.name}: ${name} failed: ${error.message}`)
    }
    const folder = join(stage.folder, plan.name)
    mkdirSync(folder)
    const running = { folder, record: stage.record, failed }
    const all = plan
      .contestants(stage.peers)
      .filter(one => one !== undefined)
      .filter(({ name }) => settings.who?.includes(name) !== false)
    await runRounds(suite, all, { ...running, rounds: settings.rounds, counted: false })
    const wired = all.filter(one => one.wired && !missing.has(one.name))
    const counted = { ...suite, steps: suite.steps.filter(COUNTED) }
    const profiles = profilesOf(settings, plan.name)
    await runRounds(counted, wired, { ...running, rounds: 1, counted: true, profiles })
    if (profiles !== undefined) console.log(`${plan.name}, own time:\n${profilesIn(profiles)}`)
  }
}

function profilesOf({ out, profile }: Settings, suite: string): string | undefined {
  if (!profile || out === undefined) return undefined
  const folder = resolve(out, 'profiles', suite)
  mkdirSync(folder, { recursive: true })
  return folder
}
