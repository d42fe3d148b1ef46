/** What `kaos train checkout` writes beside code and data. */
import { Document, isScalar, type Scalar } from 'yaml'
import type { Recipe } from '../api/wire.ts'

export interface Written {
  readonly recipe: Recipe
  /** Where data and code lie; or what names them on the server. */
  readonly code: string
  readonly data: string
  readonly hyperparams: string | null
}

/** The text of kaos.yaml. */
export function experimentText({ recipe, code, data, hyperparams }: Written): string {
  const { job, workspace, parallelism, resources } = recipe
  const { cpu, memoryBytes, gpu, labels = [] } = resources
  const asked = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memoryBytes === undefined ? {} : { memory: memoryText(memoryBytes) }),
    ...(gpu === undefined ? {} : { gpu }),
    ...(labels.length === 0 ? {} : { label: labels.join(',') }),
  }
  const doc = new Document({
    from: job,
    workspace,
    code,
    data,
    ...(hyperparams === null ? {} : { hyperparams, parallelism }),
    ...(Object.keys(asked).length === 0 ? {} : { resources: asked }),
  })
  doc.commentBefore =
    ' An experiment, checked out by kaos. Change what you like, then run in this folder:\n' +
    '   kaos train deploy\n' +
    ' Paths are relative to this file.'
  note(doc, 'from', 'the training that this one is made from')
  const { git } = recipe
  const changes = git?.dirty ? ' with changes' : ''
  const commit = git ? `, commit ${git.commit}${changes}` : ''
  note(doc, 'code', `${artifactText(recipe.code)}${commit}`)
  note(doc, 'data', data === recipe.data.tree ? recipe.data.name : artifactText(recipe.data))
  return doc.toString()
}

function note(doc: Document, field: string, text: string): void {
  const value = doc.get(field, true)
  if (isScalar(value)) (value as Scalar).comment = ` ${text}`
}

function artifactText({ name, tree }: Recipe['code']): string {
  return `${name}, ${tree}`
}

/** Exactly as much, as shortly as it can be written. */
function memoryText(bytes: number): string {
  const inUnits = (base: number, units: readonly string[]) => {
    let amount = bytes
    let unit = 0
    while (amount % base === 0 && unit < units.length - 1) {
      amount /= base
      unit++
    }
    return `${amount}${units[unit]}`
  }
  const texts = [
    inUnits(1000, ['', 'k', 'M', 'G', 'T']),
    inUnits(1024, ['', 'Ki', 'Mi', 'Gi', 'Ti']),
  ]
  return texts.sort((a, b) => a.length - b.length)[0]!
}

/** requirements.txt with the versions that were used: each open line becomes the locked one, what was
 * installed besides is added. Undefined when nothing was locked. */
export function pinnedRequirements(lock: string): string | undefined {
  const lines = lock.split('\n').filter(line => line.trim() !== '')
  if (lines.length === 0) return undefined
  return `# Pinned by kaos train checkout --pin to what the training ran with.\n${lines.join('\n')}\n`
}
