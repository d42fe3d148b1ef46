/* Finished activities as OpenLineage run events (spec 2-0-2): what ran, what it read, what it wrote. */
import type { Graph, Json, Node } from '../ledger.ts'

const PRODUCER = 'https://github.com/kaos-ml/kaos'
const SCHEMA = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent'
const FACET = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs'

export interface RunEvent {
  readonly eventType: 'COMPLETE' | 'FAIL' | 'ABORT'
  readonly eventTime: string
  readonly run: { readonly runId: string; readonly facets: Record<string, Json> }
  readonly job: {
    readonly namespace: string
    readonly name: string
    readonly facets: Record<string, Json>
  }
  readonly inputs: readonly Dataset[]
  readonly outputs: readonly Dataset[]
  readonly producer: string
  readonly schemaURL: string
}

export interface Dataset {
  readonly namespace: string
  readonly name: string
  readonly facets: Record<string, Json>
}

/** The event of an activity, given the part of the graph around it; undefined for one that has no
 * inputs and outputs of its own (agents' doings). `workspaceName` names the namespace. */
export function runEventOf(
  activity: Node,
  { nodes, edges }: Pick<Graph, 'nodes' | 'edges'>,
  { installation, workspaceName }: { installation: string; workspaceName: string },
): RunEvent | undefined {
  if (activity.class !== 'activity') return undefined
  const byId = new Map(nodes.map(node => [node.id, node]))
  const namespace = `kaos://${installation}/${workspaceName}`
  const dataset = (id: string) => datasetOf(byId.get(id), namespace)
  const inputs = edges.filter(edge => edge.from === activity.id && edge.relation === 'used')
  const outputs = edges.filter(
    edge => edge.to === activity.id && edge.relation === 'wasGeneratedBy',
  )
  const informedBy = edges.find(
    edge => edge.from === activity.id && edge.relation === 'wasInformedBy',
  )
  const parent = informedBy && byId.get(informedBy.to)
  const { finishedAt } = activity.attributes
  return {
    eventType: typeOf(activity.attributes.state),
    eventTime: typeof finishedAt === 'string' ? finishedAt : activity.at,
    run: {
      runId: uuidOf(activity.id),
      facets: parent
        ? {
            parent: {
              _producer: PRODUCER,
              _schemaURL: 'https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json',
              run: { runId: uuidOf(parent.id) },
              job: { namespace, name: jobName(parent) },
            },
          }
        : {},
    },
    job: { namespace, name: jobName(activity), facets: {} },
    inputs: inputs.flatMap(edge => dataset(edge.to) ?? []),
    outputs: outputs.flatMap(edge => dataset(edge.from) ?? []),
    producer: PRODUCER,
    schemaURL: SCHEMA,
  }
}

function datasetOf(node: Node | undefined, namespace: string): Dataset | undefined {
  if (node?.class !== 'entity') return undefined
  return {
    namespace,
    name: `${node.kind}/${node.name ?? node.id}`,
    facets: {
      kaos_entity: {
        _producer: PRODUCER,
        _schemaURL: `${FACET}/DatasetFacet`,
        id: node.id,
        kind: node.kind,
        ...(node.digest !== undefined && { digest: node.digest }),
      },
    },
  }
}

/** Runs of one job are attempts at the same thing: the kind, and the name where there is one. */
function jobName({ kind, name }: Node): string {
  return name === undefined ? kind : `${kind}/${name}`
}

function typeOf(state: Json | undefined): RunEvent['eventType'] {
  if (state === 'JOB_FAILURE') return 'FAIL'
  return state === 'JOB_KILLED' ? 'ABORT' : 'COMPLETE'
}

/** 32 hex digits as a UUID is written. */
function uuidOf(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
