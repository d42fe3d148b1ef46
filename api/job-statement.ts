/* What a worker signs at the end of a job: an in-toto statement with SLSA provenance. Worker and server
 * each make it from what they know, the one from what it did, the other from what it ordered and got;
 * the server takes a report only when both are the same.
 *
 * Algorithms beside sha256: `kaosTree` and `kaosFile` are SHA-256 too, of the encoding of a folder or
 * of a file's list of chunks (api/tree.ts). */

import type { BuildWork, IngestWork, Report, TrialWork, WorkOrder } from './attempts.ts'
import {
  type Provenance,
  provenanceStatement,
  type Resource,
  resourceOf,
  type Statement,
} from './attestation.ts'
import { canonical, type Json, wellFormed } from './canonical.ts'
import { type Digest, digestOf, hexOf } from './digest.ts'
import { chunks } from './transfer/chunker.ts'
import { FileList } from './transfer/list.ts'

export const JOB_TYPES = {
  trial: 'https://kaos.dev/job/train/v1',
  build: 'https://kaos.dev/job/build/v1',
  ingest: 'https://kaos.dev/job/ingest/v1',
} as const

/** Without what only the worker may know. */
export type OrderSaid = Pick<WorkOrder, 'attempt' | 'number' | 'workspace' | 'job' | 'work'> &
  Required<Pick<WorkOrder, 'signing'>>

/** Values that users gave and that are longer are named by digest alone. */
const VALUES_MAX = 64 * 1024

/** An agent, a trial, a model … as PROV documents and statements name it. */
export function urnOf(installation: string, id: string): string {
  return `urn:kaos:${installation}:${id}`
}

/** Undefined for an end that made nothing, or a service. */
export async function statementOfJob(
  order: OrderSaid,
  report: Report,
): Promise<Statement | undefined> {
  if (report.state !== 'succeeded') return undefined
  const { work } = order
  if (work.kind === 'trial' && report.output) return trialStatement(order, work, report)
  if (work.kind === 'build' && report.image) return buildStatement(order, work, report)
  if (work.kind === 'ingest' && report.output) return ingestStatement(order, work, report)
  return undefined
}

async function trialStatement(order: OrderSaid, work: TrialWork, report: Report) {
  const { data, hyper, image, model, output, resources, source } = work
  const values = hyper && canonical(wellFormed(hyper.values as Json))
  return provenanceStatement([tree('model', model ?? output, report.output!)], {
    buildDefinition: {
      buildType: JOB_TYPES.trial,
      externalParameters: {
        ...placeOf(order),
        image: image.name,
        ...(source && { source: source.name }),
        data: data.map(({ name }) => name),
        ...(values && values.length <= VALUES_MAX && { hyperparameters: JSON.parse(values) }),
        resources,
      },
      internalParameters: insideOf(order, report),
      resolvedDependencies: [
        ...(source ? [tree('code', source.name, source.tree)] : []),
        tree('program', 'program', image.program),
        imageResource(image),
        ...data.map(one => tree('data', one.name, one.tree)),
        ...(hyper && values ? [text('hyperparams', `${hyper.hash}/${hyper.file}`, values)] : []),
        ...(await environmentIn(report)),
      ],
    },
    runDetails: detailsOf(order, report),
  })
}

async function buildStatement(order: OrderSaid, work: BuildWork, report: Report) {
  const { buildArgs, folder, image: name, program, purpose, source } = work
  return provenanceStatement([imageResource(report.image!)], {
    buildDefinition: {
      buildType: JOB_TYPES.build,
      externalParameters: { ...placeOf(order), image: name, purpose, folder, buildArgs },
      internalParameters: insideOf(order, report),
      resolvedDependencies: [
        tree('code', folder, source),
        tree('program', 'program', program),
        ...(await environmentIn(report)),
      ],
    },
    runDetails: detailsOf(order, report),
  })
}

function ingestStatement(order: OrderSaid, { manifest, total }: IngestWork, report: Report) {
  const listing = report.fetched ? [file('listing', report.fetched)] : []
  const details = detailsOf(order, report)
  return provenanceStatement([tree('data', 'data', report.output!)], {
    buildDefinition: {
      buildType: JOB_TYPES.ingest,
      externalParameters: { ...placeOf(order), files: total },
      internalParameters: insideOf(order, report),
      resolvedDependencies: [tree('manifest', 'manifest', manifest)],
    },
    runDetails: { ...details, byproducts: [...listing, ...(details.byproducts ?? [])] },
  })
}

function placeOf({ workspace, job }: OrderSaid) {
  return { workspace, job }
}

function insideOf({ signing }: OrderSaid, { exit }: Report) {
  return { runner: signing.runner, ...(exit !== undefined && { exit }) }
}

function detailsOf(
  { attempt, number, signing }: OrderSaid,
  { finishedAt, log, startedAt }: Report,
): Provenance['runDetails'] {
  const { agent, installation } = signing
  return {
    builder: { id: urnOf(installation, agent) },
    metadata: {
      invocationId: invocationOf(installation, attempt, number),
      startedOn: startedAt,
      finishedOn: finishedAt,
    },
    ...(log && { byproducts: [file('log', log)] }),
  }
}

/** The attempt, which holds the fencing token, and its number. */
export function invocationOf(installation: string, attempt: string, number: number): string {
  return `${urnOf(installation, attempt)}#${number}`
}

function tree(role: string, name: string, digest: string): Resource {
  return { ...resourceOf(name, digest as Digest), annotations: { role } }
}

function file(role: string, { digest, size }: { digest: string; size: number }): Resource {
  return { ...resourceOf(role, digest as Digest, 'kaosFile'), annotations: { role, size } }
}

function text(role: string, name: string, content: string): Resource {
  return { ...resourceOf(name, digestOf(content), 'sha256'), annotations: { role } }
}

/** An image of an engine also by the digest of its manifest. */
function imageResource({ manifest, name, tree: layout }: NonNullable<Report['image']>): Resource {
  const own = manifest === undefined ? {} : { sha256: hexOf(manifest as Digest) }
  const digest = { ...own, kaosTree: hexOf(layout as Digest) }
  return { name, digest, annotations: { role: 'image' } }
}

async function environmentIn({ environment }: Report): Promise<Resource[]> {
  if (environment === undefined) return []
  const content = canonical(wellFormed(environment as Json))
  const kaosFile = hexOf(await fileDigestOf(Buffer.from(content)))
  const digest = { sha256: hexOf(digestOf(content)), kaosFile }
  return [{ name: 'environment', digest, annotations: { role: 'environment' } }]
}

/** What these bytes are called as a stored file. */
export async function fileDigestOf(bytes: Uint8Array): Promise<Digest> {
  const list = new FileList()
  for await (const chunk of chunks([bytes])) list.add(digestOf(chunk), chunk.length)
  return digestOf(list.encoded())
}
