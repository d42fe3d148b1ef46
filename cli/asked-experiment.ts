/* A training as options and an experiment file ask for it together: options stand instead of what the
 * file says. */
import { existsSync, readFileSync } from 'node:fs'
import { KaosError } from '../api/errors.ts'
import type { Experiment } from './experiment-file.ts'

/** Deployed where it lies in the current folder and nothing else is named. */
export const EXPERIMENT_FILE = 'kaos.yaml'

/** What the file says, and where it lies. */
export type Said = Partial<Experiment> & { readonly place?: string }

interface Flags {
  readonly file?: string | undefined
  readonly source_bundle?: string | undefined
  readonly data_bundle?: string | undefined
  readonly data_manifest?: string | undefined
  readonly hyperparams?: string | undefined
  readonly parallelism?: number | undefined
  readonly cpu?: string | undefined
  readonly memory?: string | undefined
  readonly gpu?: string | undefined
  readonly label?: readonly string[] | undefined
  readonly from?: string | undefined
  readonly again: boolean
}

/** What the experiment file says: the one that is given, or else the one in the current folder. */
export async function saidFor(
  { file, source_bundle, data_bundle, data_manifest, hyperparams }: Flags,
  tell: (text: string) => void,
): Promise<Said> {
  const parts = [source_bundle, data_bundle, data_manifest, hyperparams]
  const here = parts.every(one => one === undefined) && existsSync(EXPERIMENT_FILE)
  const place = file ?? (here ? EXPERIMENT_FILE : undefined)
  if (place === undefined) return {}
  const { readExperiment } = await import('./experiment-file.ts')
  if (file === undefined) tell(`deploying ${EXPERIMENT_FILE} of this folder`)
  return { ...readExperiment(place), place }
}

/** Data that are given as an option replace those of the file, however they are named there. */
export function askedOf(flags: Flags, said: Said) {
  const { data_bundle: data, data_manifest: manifest, hyperparams: file } = flags
  const none = data === undefined && manifest === undefined
  return {
    source: flags.source_bundle ?? said.code,
    data: none ? said.data : data,
    manifest: none ? said.manifest : manifest,
    text: file === undefined ? said.hyperparams?.text : readFileSync(file, 'utf8'),
    more: {
      parallelism: flags.parallelism ?? said.parallelism,
      cpu: flags.cpu ?? said.cpu,
      memory: flags.memory ?? said.memory,
      gpu: flags.gpu ?? said.gpu,
      label: flags.label ?? (said.label === undefined ? undefined : [said.label]),
      from: flags.from ?? said.from,
      again: flags.again,
    },
  }
}

/** A job of another workspace means nothing in this one. */
export function requireWorkspace(current: string, { workspace, place }: Said): void {
  if (workspace === undefined || workspace === current) return
  const next = `run kaos workspace set -n ${workspace}, or take the line out of it`
  const message = `${place} belongs to workspace ${workspace}, and the current one is ${current}; ${next}`
  throw new KaosError('INVALID_EXPERIMENT', message)
}
