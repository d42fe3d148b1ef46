/* A graph as years of work would make it: 1,030,000 nodes and about 3,030,000 edges, the same on every
 * machine. `scale` 0.1 makes a tenth of everything with the same number of hubs, so that answers have as
 * many nodes and edges: each job uses eight or nine of the hubs, however many jobs there are.
 *
 * - chains of retrainings, 1 to 200 steps, 7 nodes a step: each step trains from the model before it
 *   on data of its own, with an image of its own;
 * - 20 chains of exactly 200 steps, whose steps use 25 data sets each, 52 nodes a step;
 * - 20 hubs: data sets that 50,000 jobs used (a tenth of them in the tenth). */
import { createHash } from 'node:crypto'
import type { ProvClass, Relation } from '../../graph/ledger.ts'
import { chanceOf } from '../../test/graph/random.ts'

export interface MadeNode {
  /** 0, 1, 2 …: place in the graph, and number of the statement that made it. */
  readonly n: number
  readonly id: string
  readonly class: ProvClass
  readonly kind: string
  readonly name: string
}

/** Ends are places of nodes. */
export type MadeEdge = readonly [from: number, relation: Relation, to: number]

export interface Made {
  readonly nodes: MadeNode[]
  readonly edges: MadeEdge[]
  /** Places of models, of ends of 200-step chains, of hubs. */
  readonly models: number[]
  readonly ends: number[]
  readonly hubs: number[]
}

const NODES = 1_030_000
const AGENTS = 100
const HUBS = 20
const HUB_JOBS = 50_000
const LONG_CHAINS = 20
const STEPS = 200
const LONG_DATA = 25

export function generate(scale: number): Made {
  const chance = chanceOf(7)
  const maker = new Maker()
  const agents = Array.from({ length: AGENTS }, (_, i) => maker.node('agent', 'user', `user-${i}`))
  const part = (count: number) => Math.max(1, Math.round(count * scale))
  const hubs = Array.from({ length: HUBS }, (_, i) => maker.data(`hub-${i}`, agents[i]!))
  for (let i = 0; i < part(LONG_CHAINS); i++) {
    maker.chain(STEPS, LONG_DATA, () => agents[chance(AGENTS)]!)
    maker.ends.push(maker.models.at(-1)!)
  }
  const enough = part(LONG_CHAINS) * STEPS + STEPS
  while (maker.nodes.length < NODES * scale || maker.trials.length < enough) {
    maker.chain(1 + chance(STEPS), 1, () => agents[chance(AGENTS)]!)
  }
  const plain = maker.trials.slice(part(LONG_CHAINS) * STEPS)
  const jobs = Math.min(part(HUB_JOBS), plain.length)
  // Another beginning for each, so that no two hubs are used by the same jobs.
  const stride = Math.floor(plain.length / jobs)
  for (const hub of hubs) {
    const start = chance(plain.length)
    for (let i = 0; i < jobs; i++) {
      maker.edge(plain[(start + i * stride) % plain.length]!, 'used', hub)
    }
  }
  return { nodes: maker.nodes, edges: maker.edges, models: maker.models, ends: maker.ends, hubs }
}

class Maker {
  readonly nodes: MadeNode[] = []
  readonly edges: MadeEdge[] = []
  readonly models: number[] = []
  readonly trials: number[] = []
  readonly ends: number[] = []

  node(kindClass: ProvClass, kind: string, name: string): number {
    const n = this.nodes.length
    const id = createHash('sha256').update(`node ${n}`).digest('hex').slice(0, 32)
    this.nodes.push({ n, id, class: kindClass, kind, name })
    return n
  }

  edge(from: number, relation: Relation, to: number): void {
    this.edges.push([from, relation, to])
  }

  data(name: string, agent: number): number {
    const data = this.node('entity', 'data', name)
    const imported = this.node('activity', 'import', '')
    this.edge(data, 'wasGeneratedBy', imported)
    this.edge(data, 'wasAttributedTo', agent)
    this.edge(imported, 'wasAssociatedWith', agent)
    return data
  }

  chain(steps: number, dataSets: number, agentOf: () => number): void {
    let before: number | undefined
    for (let i = 0; i < steps; i++) before = this.#step(before, dataSets, agentOf())
  }

  #step(before: number | undefined, dataSets: number, agent: number): number {
    const source = this.node('entity', 'source', 'mnist')
    const build = this.node('activity', 'build', '')
    const image = this.node('entity', 'image', 'build-train-mnist')
    const trial = this.node('activity', 'trial', '')
    const model = this.node('entity', 'model', 'model')
    this.edge(source, 'wasAttributedTo', agent)
    this.edge(build, 'used', source)
    this.edge(build, 'wasAssociatedWith', agent)
    this.edge(image, 'wasGeneratedBy', build)
    this.edge(trial, 'used', image)
    this.edge(trial, 'wasAssociatedWith', agent)
    for (let i = 0; i < dataSets; i++) this.edge(trial, 'used', this.data('features', agent))
    this.edge(model, 'wasGeneratedBy', trial)
    this.edge(model, 'wasAttributedTo', agent)
    if (before !== undefined) {
      this.edge(trial, 'used', before)
      this.edge(model, 'wasDerivedFrom', before)
    }
    this.trials.push(trial)
    this.models.push(model)
    return model
  }
}
