import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { EvidenceSubject } from '../../api/evidence/format.ts'
import { KaosCommand } from '../base.ts'
import { Args, Flags } from '../options.ts'
import { byteText } from '../times.ts'

export default class Evidence extends KaosCommand {
  static override description =
    'One tar file with all that is needed to check a model or endpoint where there is no network: proofs, keys, signed statements, the part of the graph (also as W3C PROV-JSON), manifests, and a README that says how to check by hand. It is verified before it is there.'
  static override examples = [
    '<%= config.bin %> evidence e23a2_9fd9d:b82151 -o evidence.tar',
    '<%= config.bin %> evidence @latest -o evidence.tar --with_content',
    '<%= config.bin %> verify --offline evidence.tar',
  ]
  static override args = {
    model: Args.string({ required: true, description: 'any name of a model, or an endpoint' }),
  }
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'file to write to',
      required: true,
      helpValue: 'FILE',
    }),
    with_content: Flags.boolean({ summary: 'put the bytes of the model in as well' }),
  }

  async run(): Promise<{ file: string; bytes: number; subject: EvidenceSubject }> {
    const { args, flags } = await this.parse(Evidence)
    const { base, client } = await this.workspaceSession()
    const { evidenceFrom, judged, lineOf, notProved, openFile } = await import('../verifying.ts')
    const file = flags.output
    // What broke off, or proves nothing, is not there under this name.
    const part = `${file}.${process.pid}.part`
    try {
      const bytes = evidenceFrom(client, base, args.model, flags.with_content)
      await pipeline(bytes, createWriteStream(part))
      const verdict = judged(await openFile(part), undefined)
      for (const finding of verdict.findings) {
        if (finding.is !== 'good') this.note(lineOf(finding))
      }
      if (!verdict.good) throw notProved(verdict)
      renameSync(part, file)
      const { size } = statSync(file)
      const { subject } = verdict.index
      this.result(`${file} (${byteText(size)}) proves ${subject.kind} ${subject.name}`)
      this.info(`check it anywhere with: kaos verify --offline ${file}`)
      return { file, bytes: size, subject }
    } finally {
      rmSync(part, { force: true })
    }
  }
}
