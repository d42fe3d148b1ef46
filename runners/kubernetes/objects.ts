/* What is made in the cluster for one start of a program. All of it carries the same labels, so one
 * selector finds it all: `app.kubernetes.io/managed-by=kaos`. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type {
  V1Deployment,
  V1Job,
  V1NetworkPolicy,
  V1OwnerReference,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node'
import type { Place } from '../runner.ts'
import { type Purpose, type Sandbox, SERVICE_PORT } from '../sandbox.ts'
import { type Box, podOf } from './pod.ts'

export const MANAGED = 'app.kubernetes.io/managed-by=kaos'
export const PLACE_LABEL = 'kaos.place'
const NAME_MAX = 50

/** A name of its own for each start: a service's next one begins while the last is taken away. */
export function nameOf({ attempt, dir }: Place): string {
  const start = basename(dir)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
  const name = `kaos-${attempt}-${start}`.replace(/-+$/, '')
  if (name.length <= NAME_MAX) return name
  return `kaos-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`
}

export function labelsOf(place: Place, purpose: Purpose, sandbox: Sandbox): Record<string, string> {
  return {
    'app.kubernetes.io/managed-by': 'kaos',
    'app.kubernetes.io/component': purpose === 'train' ? 'training' : 'endpoint',
    'kaos.attempt': place.attempt,
    [PLACE_LABEL]: nameOf(place),
    'kaos.network': sandbox.network === 'none' ? 'off' : 'on',
  }
}

/** Tried once: another try is another attempt, with a record of its own. */
export function jobOf(box: Box): V1Job {
  return {
    metadata: { name: box.name, labels: { ...box.labels } },
    spec: { backoffLimit: 0, podReplacementPolicy: 'Failed', template: podOf(box) },
  }
}

/** A pod that a node loses is made anew; never two of them at once. */
export function deploymentOf(box: Box): V1Deployment {
  return {
    metadata: { name: box.name, labels: { ...box.labels } },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 0,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { [PLACE_LABEL]: box.name } },
      template: podOf(box),
    },
  }
}

export function serviceOf(box: Box, owner: V1OwnerReference): V1Service {
  const port = { name: 'http', port: SERVICE_PORT, targetPort: SERVICE_PORT }
  return {
    metadata: { name: box.name, labels: { ...box.labels }, ownerReferences: [owner] },
    spec: { selector: { [PLACE_LABEL]: box.name }, ports: [port] },
  }
}

/** The attempt's token, in the form that nodes pull images with. Pods do not see it. */
export function pullSecretOf(box: Box, registry: string, token: string): V1Secret {
  const auth = Buffer.from(`attempt:${token}`).toString('base64')
  const text = JSON.stringify({ auths: { [registry]: { auth } } })
  return {
    metadata: { name: box.name, labels: { ...box.labels } },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(text).toString('base64') },
  }
}

export function ownerOf(object: V1Job | V1Deployment, kind: 'Job' | 'Deployment') {
  const { name = '', uid = '' } = object.metadata ?? {}
  return { apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1', kind, name, uid }
}

const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10']

/** For all pods of kaos in a namespace. Trainings: nobody reaches them, and they reach nothing unless the
 * bundle declared it; then everything but what nodes tell of themselves. Endpoints answer on one port. */
export function networkPolicies(): V1NetworkPolicy[] {
  const all = ['0.0.0.0/0', '::/0'].map((cidr, index) => ({
    ipBlock: { cidr, except: [LINK_LOCAL[index]!] },
  }))
  const base = { 'app.kubernetes.io/managed-by': 'kaos' }
  const policy = (name: string, labels: object, spec: object): V1NetworkPolicy => ({
    metadata: { name, labels: base },
    spec: { podSelector: { matchLabels: { ...base, ...labels } }, ...spec },
  })
  const training = { 'app.kubernetes.io/component': 'training' }
  return [
    policy('kaos-training', training, { policyTypes: ['Ingress', 'Egress'] }),
    policy(
      'kaos-network-on',
      { 'kaos.network': 'on' },
      { policyTypes: ['Egress'], egress: [{ to: all }] },
    ),
    policy(
      'kaos-endpoint',
      { 'app.kubernetes.io/component': 'endpoint' },
      { policyTypes: ['Ingress'], ingress: [{ ports: [{ protocol: 'TCP', port: SERVICE_PORT }] }] },
    ),
  ]
}
