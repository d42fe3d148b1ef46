/* The peers that are at hand: KIT, DVC and REGISTRY name programs. One that is missing is said so, and
 * is never a pass. */
import { execFileSync } from 'node:child_process'
import type { Contestant } from './contestant.ts'
import { dvc, s3PlaceIn, speaksS3 } from './dvc.ts'
import { kit } from './kit.ts'
import { registryName } from './registry.ts'

export interface Peers {
  readonly kit: Contestant | undefined
  readonly dvc: Contestant | undefined
  readonly rsyncIsHere: boolean
  /** Who does not take part and why; who fails joins them, as `W1 kit`. */
  readonly missing: Map<string, string>
  /** What runs, in words. */
  readonly about: readonly string[]
}

export function peersOf(env: NodeJS.ProcessEnv): Peers {
  const { KIT, DVC, REGISTRY } = env
  const missing = new Map<string, string>()
  const about: string[] = []
  if (KIT === undefined) missing.set('kit', 'peer missing: KIT= names no program')
  else about.push(`kit: ${saidBy(KIT, 'version')}; it pushes to ${registryName(REGISTRY)}`)
  const place = DVC !== undefined && speaksS3(DVC) ? s3PlaceIn(env) : undefined
  if (DVC === undefined) {
    missing.set('dvc', 'peer missing: DVC= names no program')
  } else {
    const remote = place === undefined ? 'a folder on the same disk' : `S3 at ${place.endpoint}`
    about.push(`dvc: ${saidBy(DVC, '--version')}; its remote is ${remote}`)
  }
  const rsyncIsHere = isHere('rsync')
  if (!rsyncIsHere) missing.set('rsync', 'peer missing: rsync is not installed')
  about.push(...[...missing].map(([peer, why]) => `${peer}: ${why}`))
  return {
    kit: KIT === undefined ? undefined : kit(KIT, REGISTRY),
    dvc: DVC === undefined ? undefined : dvc(DVC, place),
    rsyncIsHere,
    missing,
    about,
  }
}

function isHere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function saidBy(program: string, question: string): string {
  const text = execFileSync(program, [question], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return text.split('\n')[0] ?? ''
}
