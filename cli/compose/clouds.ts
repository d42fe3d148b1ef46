/* The places that the original could set kaos up in, and what became of each. */

import { KaosError } from '../../api/errors.ts'
import { Flags } from '../options.ts'

export const DOCKER = 'DOCKER'
const CLOUDS = [DOCKER, 'MINIKUBE', 'AWS', 'GCP'] as const

export const cloud = Flags.string({
  char: 'c',
  summary: 'DOCKER: this machine, by docker compose',
  helpValue: CLOUDS.join('|'),
  required: true,
})

/** Options of the original that say nothing any more; taken, so that old scripts go on. */
export const old = {
  env: Flags.string({
    char: 'e',
    summary: 'of clouds only',
    options: ['prod', 'stage', 'dev'],
    hidden: true,
  }),
  local_backend: Flags.boolean({ char: 'l', summary: 'of Terraform only', hidden: true }),
}

interface Old {
  readonly env?: string | undefined
  readonly local_backend?: boolean
}

/** Refuses every place but this machine, with the way to kaos there. */
export function requireDocker(given: string, doing: string): void {
  const place = given.toUpperCase()
  if (place === DOCKER) return
  if (!CLOUDS.some(one => one === place)) {
    throw new KaosError('USAGE', `-c/--cloud: there is no ${given}; give ${CLOUDS.join(', ')}`)
  }
  const how =
    'the manifests for Kubernetes are in docs/kubernetes.md; then: kaos init -e ENDPOINT -t TOKEN'
  const next = doing === 'deploy' ? how : 'remove it with kubectl, as docs/kubernetes.md says'
  throw new KaosError('USAGE', `kaos 2 does not ${doing} on ${place} by Terraform: ${next}`)
}

/** What to tell whoever used options that mean nothing here. */
export function unused({ env, local_backend }: Old) {
  return [
    ...(env === undefined ? [] : [`-e/--env ${env} is not applicable to DOCKER`]),
    ...(local_backend ? ['-l/--local_backend is not applicable: there is no Terraform'] : []),
  ]
}
