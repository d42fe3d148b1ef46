import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'

export default class ProvenanceExport extends KaosCommand {
  static override description =
    'openlineage: one run event to a line, as the clients of OpenLineage write and read them. prov: one PROV-JSON document of the W3C, as the Python package prov reads it.'
  static override examples = [
    '<%= config.bin %> provenance export --format openlineage -o events.jsonl',
    '<%= config.bin %> provenance export --format prov -o workspace.json',
  ]
  static override flags = {
    format: Flags.string({
      summary: 'form of the file',
      options: ['openlineage', 'prov'],
      required: true,
    }),
    output: Flags.string({
      char: 'o',
      summary: 'file to write to; - for here',
      required: true,
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<{ file: string }> {
    const { flags } = await this.parse(ProvenanceExport)
    const { client, base } = await this.workspaceSession()
    const { format, output: file } = flags
    const bytes = client.stream(`${base}/provenance/export`, { format })
    if (file === '-') {
      for await (const some of bytes) process.stdout.write(some)
      return { file }
    }
    // What broke off is not there under this name.
    const part = `${file}.${process.pid}.part`
    try {
      await pipeline(bytes, createWriteStream(part))
      renameSync(part, file)
    } finally {
      rmSync(part, { force: true })
    }
    this.result(file)
    return { file }
  }
}
