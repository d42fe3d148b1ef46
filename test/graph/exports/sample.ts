/* A training as the graph has it: data, a trial of a job, its model, who did it. */
import { newId } from '../../../api/ids.ts'
import type { Edge, Graph, NewNode, Node } from '../../../graph/ledger.ts'

let seq = 0

function node(given: Partial<NewNode> & Pick<NewNode, 'class' | 'kind'>): Node {
  return {
    id: newId(),
    attributes: {},
    workspace: 'w',
    organisation: 'default',
    seq: seq++,
    at: '2026-01-01T00:02:00.000Z',
    ...given,
  }
}

export function sampleGraph() {
  const user = node({ class: 'agent', kind: 'user' })
  const data = node({
    class: 'entity',
    kind: 'data',
    name: 'features:e23a2',
    digest: `sha256:${'e2'.repeat(32)}`,
    attributes: { bytes: 12, share: 0.5, 'odd name': [1], none: null, text: 'é "quoted"' },
  })
  const job = node({ class: 'activity', kind: 'train' })
  const trial = node({
    class: 'activity',
    kind: 'trial',
    attributes: {
      state: 'JOB_SUCCESS',
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
      metrics: { accuracy: 0.97 },
    },
  })
  const model = node({ class: 'entity', kind: 'model', name: 'e23a2_9fd9d:b82151' })
  const collection = node({ class: 'entity', kind: 'artifact' })
  const edges: Edge[] = [
    { from: trial.id, relation: 'used', to: data.id, role: 'data', seq: 5 },
    { from: trial.id, relation: 'wasInformedBy', to: job.id, seq: 5 },
    { from: trial.id, relation: 'wasAssociatedWith', to: user.id, role: 'user', seq: 5 },
    { from: model.id, relation: 'wasGeneratedBy', to: trial.id, seq: 5 },
    { from: model.id, relation: 'wasAttributedTo', to: user.id, seq: 5 },
    { from: model.id, relation: 'wasDerivedFrom', to: data.id, seq: 5 },
    { from: collection.id, relation: 'hadMember', to: model.id, role: 'model', seq: 6 },
  ]
  const graph: Graph = {
    nodes: [user, data, job, trial, model, collection],
    edges,
    truncated: false,
  }
  return { graph, user, data, job, trial, model }
}
