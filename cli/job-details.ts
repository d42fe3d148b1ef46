/* What `train info --details` shows: everything that is recorded about how a training was run. */
import type { GitState, JobView, MeasurementLine, ModelRow } from '../api/wire.ts'
import { byteText, countText, localTime } from './times.ts'

const FACTS = [
  'runner',
  'python',
  'os',
  'kernel',
  'cpu',
  'cores',
  'gpuDriver',
  'cuda',
  'user',
  'network',
  'hashSeed',
]
const PACKAGES_SHOWN = 12

export function detailLines(view: JobView): string[] {
  const { environment, git = {}, image, models, resources } = view
  const [first] = models
  return [
    ...line('Code', first && placed(first.code)),
    ...line('Git of the code', git.code && gitText(git.code)),
    ...line('Data', first && placed(first.data)),
    ...(view.modelsUsed ?? []).flatMap(({ modelId, entity, versions }) =>
      line('Model used', [modelId, ...versions, entity].join('  ')),
    ),
    ...line('Git of the data', git.data && gitText(git.data)),
    ...line('Image', image && `${image.name}  ${image.manifest ?? image.digest ?? ''}`),
    ...line('Environment', environment && factsOf(environment)),
    ...line('Packages', environment && packagesOf(environment)),
    ...line('GPUs', environment && gpusOf(environment)),
    ...line('Resources asked for', askedText(resources)),
    ...models.flatMap(trialLines),
  ]
}

function line(name: string, text: string | null | undefined): string[] {
  return text ? [`    ${name}: ${text}`] : []
}

function placed({ path, digest, entity }: ModelRow['code']): string {
  return `${path}  ${digest ?? ''}  ${entity}`
}

function gitText({ commit, branch, remote, dirty }: GitState): string {
  const where = [branch && `on ${branch}`, remote && `of ${remote}`].filter(Boolean).join(' ')
  const changed = dirty ? ', with changes that were not committed' : ''
  return `${commit} ${where}`.trim() + changed
}

function factsOf(environment: Record<string, unknown>): string {
  const facts = FACTS.filter(name => ['string', 'number'].includes(typeof environment[name]))
  return facts.map(name => `${name} ${environment[name]}`).join(', ')
}

function packagesOf({ packages }: Record<string, unknown>): string {
  if (typeof packages !== 'object' || packages === null) return ''
  const all = Array.isArray(packages)
    ? packages.map(String)
    : Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const more =
    all.length > PACKAGES_SHOWN ? ` and ${all.length - PACKAGES_SHOWN} more (--json)` : ''
  return all.slice(0, PACKAGES_SHOWN).join(', ') + more
}

function gpusOf({ gpus }: Record<string, unknown>): string {
  return Array.isArray(gpus) ? gpus.join(', ') : ''
}

function askedText({ cpu, memoryBytes, gpu, labels = [] }: JobView['resources']): string {
  const parts = [
    cpu !== undefined && countText(cpu, 'core'),
    memoryBytes !== undefined && byteText(memoryBytes),
    gpu !== undefined && countText(gpu, 'GPU'),
    ...labels.map(label => `label ${label}`),
  ].filter(Boolean)
  return parts.length === 0 ? 'no limits' : parts.join(', ')
}

function trialLines({ modelId, trial, metrics, run }: ModelRow): string[] {
  const name = `Trial ${modelId ?? trial}`
  if (!run) return []
  const { attempt, worker, runner, startedAt, finishedAt, exit, usage } = run
  const values = Object.entries(metrics).map(([metric, value]) => `${metric} ${value}`)
  return [
    ...line(name, `attempt ${attempt} by ${worker} (${runner})`),
    ...line('  Ran', startedAt && `${localTime(startedAt)} to ${localTime(finishedAt ?? '')}`),
    ...line('  Exit code', exit === undefined ? '' : String(exit)),
    ...line('  Used', usage && usedText(usage)),
    ...line('  Metrics', values.join(', ')),
    ...line('  Log', run.log),
    ...line('  Measurements', run.measurements),
    ...line('  Metric history', run.metricHistory),
  ]
}

function usedText(usage: Omit<MeasurementLine, 'trial' | 'attempt'>): string {
  const { cpuSeconds, memoryBytes, ...rest } = usage
  const bytes = [
    ['read', rest.readBytes],
    ['written', rest.writtenBytes],
    ['received', rest.receivedBytes],
    ['sent', rest.sentBytes],
  ] as const
  const more = bytes.flatMap(([word, count]) =>
    count === undefined ? [] : [`${byteText(count)} ${word}`],
  )
  const main = [`${cpuSeconds.toFixed(1)} s of CPU`, `${byteText(memoryBytes)} of memory`]
  return [...main, ...more].join(', ')
}
