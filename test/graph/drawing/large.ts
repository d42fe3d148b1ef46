/* Graphs as large as real ones: a grid of trials, a chain of retrainings, a data set behind thousands
 * of jobs. */
import { newId } from '../../../api/ids.ts'
import type { Edge, Graph, Node, Relation } from '../../../graph/ledger.ts'

class Making {
  readonly nodes: Node[] = []
  readonly edges: Edge[] = []

  node(kind: string, more: Partial<Node> = {}): string {
    const is = ['train', 'trial', 'build', 'import', 'deploy'].includes(kind)
    const id = newId()
    this.nodes.push({
      id,
      class: is ? 'activity' : 'entity',
      kind,
      workspace: 'w',
      organisation: 'default',
      attributes: {},
      seq: this.nodes.length,
      at: '2026-01-01T00:00:00.000Z',
      ...more,
    })
    return id
  }

  edge(from: string, relation: Relation, to: string, role?: string): void {
    this.edges.push({ from, relation, to, seq: 0, ...(role !== undefined && { role }) })
  }

  image(source: string): string {
    const build = this.node('build')
    const image = this.node('image')
    this.edge(build, 'used', source, 'code')
    this.edge(image, 'wasGeneratedBy', build)
    this.edge(image, 'wasDerivedFrom', source, 'code')
    return image
  }

  /** Answers the model. */
  trial(job: string, image: string, data: string, state = 'JOB_SUCCESS'): string {
    const trial = this.node('trial', { attributes: { state } })
    this.edge(trial, 'used', image, 'image')
    this.edge(trial, 'used', data, 'data')
    this.edge(trial, 'wasInformedBy', job)
    const log = this.node('log')
    this.edge(log, 'wasGeneratedBy', trial)
    const model = this.node('model')
    this.edge(model, 'wasGeneratedBy', trial)
    return model
  }

  job(source: string, data: string): string {
    const job = this.node('train')
    this.edge(job, 'used', source, 'code')
    this.edge(job, 'used', data, 'data')
    return job
  }

  /** What the ledger answers: all that can be reached this way, with the edges between. */
  graph(start: string, direction: 'up' | 'down'): Large {
    const next = Map.groupBy(this.edges, edge => (direction === 'up' ? edge.from : edge.to))
    const reached = new Set([start])
    for (const id of reached) {
      for (const { from, to } of next.get(id) ?? []) reached.add(direction === 'up' ? to : from)
    }
    const byId = new Map(this.nodes.map(node => [node.id, node]))
    const nodes = [...reached].map(id => byId.get(id)!)
    const edges = this.edges.filter(({ from, to }) => reached.has(from) && reached.has(to))
    return { graph: { nodes, edges, truncated: false }, start, direction }
  }
}

export interface Large {
  readonly graph: Graph
  readonly start: string
  readonly direction: 'up' | 'down'
}

/** Below the code of a job with so many trials, one of whose models is served. */
export function gridOf(trials: number) {
  const made = new Making()
  const source = made.node('source', { name: 'mnist:e23a2' })
  const data = made.node('data', { name: 'features:9fd9d' })
  const image = made.image(source)
  const job = made.job(source, data)
  for (let i = 0; i < trials; i++) {
    const model = made.trial(job, image, data, i < 5 ? 'JOB_FAILURE' : 'JOB_SUCCESS')
    if (i !== trials - 1) continue
    const deploy = made.node('deploy')
    const revision = made.node('revision', { name: 'serve-mnist-ae6466' })
    made.edge(deploy, 'used', model, 'model')
    made.edge(revision, 'wasGeneratedBy', deploy)
  }
  return made.graph(source, 'down')
}

/** Above the last model of so many, each of which was trained on data that the one before labelled. */
export function chainOf(trainings: number) {
  const made = new Making()
  const image = made.image(made.node('source', { name: 'mnist:e23a2' }))
  let data = made.node('data', { name: 'features@v1' })
  let model = ''
  for (let i = 1; i <= trainings; i++) {
    model = made.trial(made.node('train'), image, data)
    const next = made.node('data', { name: `features@v${i + 1}` })
    made.edge(next, 'wasDerivedFrom', model, 'model')
    made.edge(next, 'wasDerivedFrom', data)
    data = next
  }
  return made.graph(model, 'up')
}

/** Below a data set that so many jobs used, each with code of its own and up to three trials. */
export function hubOf(jobs: number) {
  const made = new Making()
  const data = made.node('data', { name: 'features@v1' })
  for (let i = 0; i < jobs; i++) {
    const image = made.node('image')
    const job = made.node('train')
    made.edge(job, 'used', data, 'data')
    for (let trial = 0; trial <= i % 3; trial++) {
      const model = made.trial(job, image, data)
      if (i % 7 === 0) made.edge(made.node('artifact'), 'hadMember', model, 'model')
      if (i % 11 === 0) made.edge(made.node('source'), 'wasDerivedFrom', model, 'model')
    }
  }
  return made.graph(data, 'down')
}

/** No two things of it play the same part. */
export function tangleOf(size: number) {
  const made = new Making()
  const nodes = [made.node('data', { name: 'first' })]
  for (let i = 1; i < size; i++) {
    const id = made.node('data', { name: `d${i}` })
    for (let step = 1; step <= 1 + (i % 5); step++) {
      const other = nodes[(i * 7919 + step * 104_729) % nodes.length]!
      if (!made.edges.some(edge => edge.from === id && edge.to === other)) {
        made.edge(id, 'wasDerivedFrom', other, 'part')
      }
    }
    nodes.push(id)
  }
  return made.graph(nodes[0]!, 'down')
}

/** Below the data of a job from which another was made that has other data. */
export function branchOf() {
  const made = new Making()
  const data = made.node('data', { name: 'features@v1' })
  const jobs = [made.node('train'), made.node('train')] as const
  made.edge(jobs[0], 'used', data, 'data')
  made.edge(jobs[1], 'wasInformedBy', jobs[0])
  made.trial(jobs[0], made.node('image'), data)
  made.trial(jobs[1], made.node('image'), made.node('data'))
  return made.graph(data, 'down')
}
