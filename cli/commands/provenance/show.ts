import { writeFileSync } from 'node:fs'
import type { ProvenanceView } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import { Args, Flags } from '../../options.ts'

const FORMATS = ['tree', 'pdf', 'svg', 'png', 'dot', 'json', 'prov']
/** What a terminal can show. */
const TEXTS = new Set(['dot', 'json', 'prov'])

type Outcome = ProvenanceView | { file: string }

export default class ProvenanceShow extends KaosCommand {
  static override description =
    'ID is any name of anything: a model or a part of its id, a bundle (mnist:e23a2), a version or tag (features@v3), a job, an endpoint, an id, a digest, @latest. The tree shows each thing once. Drawings of large histories put what is alike into one box.'
  static override examples = [
    '<%= config.bin %> provenance show @latest',
    '<%= config.bin %> provenance show features@v3 --down --depth 4',
    '<%= config.bin %> provenance show e23a2_9fd9d:b82151 --as-of 2026-01-31T12:00:00Z',
    '<%= config.bin %> provenance show serve-mnist-ae6466 --format pdf -o endpoint.pdf',
  ]
  static override args = {
    id: Args.string({ required: true, description: 'any name of what you look for' }),
  }
  static override flags = {
    up: Flags.boolean({ summary: 'what it came from (the default)', exclusive: ['down'] }),
    down: Flags.boolean({ summary: 'what came from it' }),
    depth: Flags.integer({ summary: 'steps', min: 0, max: 10_000 }),
    as_of: Flags.string({
      summary: 'as it was known then: a time, or the number of a statement',
      helpValue: 'WHEN',
    }),
    format: Flags.string({ summary: 'form of the answer', options: FORMATS, default: 'tree' }),
    output: Flags.string({ char: 'o', summary: 'file to write to; - for here', helpValue: 'FILE' }),
    fan: Flags.integer({ summary: 'of many alike, show so many in the tree', min: 1, default: 10 }),
    limit: Flags.integer({ summary: 'things, at most', min: 1, max: 10_000, default: 1000 }),
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.parse(ProvenanceShow)
    const session = await this.workspaceSession()
    const question = {
      id: args.id,
      direction: flags.down ? 'down' : 'up',
      depth: flags.depth,
      asOf: flags.as_of,
    }
    if (flags.format !== 'tree') return this.#save(session, question, flags)
    const { client, base } = session
    const query = { ...question, limit: flags.limit }
    const view = await client.get<ProvenanceView>(`${base}/provenance`, query)
    const { treeLines } = await import('../../provenance-tree.ts')
    const text = `${treeLines(view, flags.fan).join('\n')}\n`
    if (flags.output !== undefined && flags.output !== '-') {
      writeFileSync(flags.output, text)
      return { file: flags.output }
    }
    if (!this.jsonEnabled()) await (await import('../../pager.ts')).page(text)
    if (view.truncated) {
      const more = `see more with --limit ${Math.min(10_000, flags.limit * 4)}`
      this.info(`only the nearest ${view.nodes.length} are shown; ${more}, or less with --depth`)
    }
    return view
  }

  async #save(
    { client, base, workspace }: WorkspaceSession,
    question: Record<string, string | number | undefined>,
    { format, output }: { format: string; output?: string | undefined },
  ): Promise<Outcome> {
    const path = `${base}/provenance/document`
    if (output === undefined && !TEXTS.has(format)) {
      const { saveDrawing } = await import('../../drawings.ts')
      const name = `${String(question.id).replace(/[^\w.@:-]/g, '_')}-${question.direction}`
      const place = { out: '.', workspace, name, format }
      const file = await saveDrawing(client, path, place, question)
      this.result(file)
      return { file }
    }
    const bytes = await client.bytes(path, { ...question, format })
    if (output === undefined || output === '-') {
      process.stdout.write(bytes)
      if (TEXTS.has(format)) process.stdout.write('\n')
      return { file: '-' }
    }
    writeFileSync(output, bytes)
    this.result(output)
    return { file: output }
  }
}
