import { type EnvelopeKey, openEnvelope } from '../../api/attestation.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Verdict } from '../../api/evidence/verify.ts'
import { publicKeyOf, type SigningKey } from '../../api/signing-keys.ts'
import type { WorkerKey, WorkerKeySet } from '../../api/worker-keys.ts'
import { KaosCommand, type Session, type WorkspaceSession } from '../base.ts'
import { Args, Flags } from '../options.ts'
import type { Target } from '../verify-targets.ts'
import { Unready } from '../words.ts'

type Verified = Pick<Verdict, 'good' | 'findings' | 'vouchers'> & {
  subject: Verdict['index']['subject']
  checkpoint: Verdict['index']['checkpoint']
}
type Envelope = Extract<Target, { kind: 'envelope' }>

export default class Verify extends KaosCommand {
  static override description =
    'TARGET is a model (any name of it), an endpoint (what serves now), a folder or file with the bytes of a model, a signed statement (DSSE), or an evidence file. Checked are the signature and whose key it is, that the log took this outcome and no other, that the log is the one seen from here before, what it was made of, and every byte. Exit 1 when anything fails.'
  static override examples = [
    '<%= config.bin %> verify e23a2_9fd9d:b82151',
    '<%= config.bin %> verify serve-mnist-ae6466',
    '<%= config.bin %> verify ./model',
    '<%= config.bin %> verify --offline evidence.tar',
    '<%= config.bin %> verify ./model --offline --evidence evidence.tar',
  ]
  static override args = {
    target: Args.string({ required: true, description: 'what to verify' }),
  }
  static override flags = {
    offline: Flags.boolean({ summary: 'ask no server: the evidence file has to prove everything' }),
    evidence: Flags.string({ summary: 'prove TARGET by this evidence file', helpValue: 'FILE' }),
    keys: Flags.string({
      summary: 'keys of the installation, from elsewhere (JWKS)',
      helpValue: 'FILE',
    }),
    no_content: Flags.boolean({ summary: 'do not fetch the bytes of the model' }),
  }

  #given: readonly SigningKey[] | undefined
  #content = true
  #names: ReadonlyMap<string, string> = new Map()

  async run(): Promise<Verified> {
    const { args, flags } = await this.parse(Verify)
    const { keysFrom, linesOf, notProved } = await import('../verifying.ts')
    const { targetOf } = await import('../verify-targets.ts')
    this.#given = flags.keys === undefined ? undefined : keysFrom(flags.keys)
    this.#content = !flags.no_content
    const target = await targetOf(args.target)
    const by = target.kind === 'evidence' ? target.file : flags.evidence
    if (by === undefined && flags.offline) throw needsEvidence(target)
    const verdict =
      by === undefined
        ? await this.#online(await this.workspaceSession(), target)
        : await this.#byFile(by, target, flags.offline)
    for (const line of linesOf(verdict, this.#names)) this.result(line)
    const { findings, good, index, vouchers } = verdict
    if (!good) {
      if (!this.jsonEnabled()) throw notProved(verdict)
      process.exitCode = 1
    }
    return { good, findings, vouchers, subject: index.subject, checkpoint: index.checkpoint }
  }

  async #byFile(file: string, target: Target, offline: boolean): Promise<Verdict> {
    const { judged, openFile } = await import('../verifying.ts')
    // A server in reach says first whether its log is still the one that was seen.
    const session = offline ? undefined : await this.#connected()
    if (session) {
      const { witness } = await import('../witness.ts')
      const { environment } = await import('../config.ts')
      await witness(session.client, environment().stateHome)
    }
    const opened = await openFile(file)
    const verdict = judged(opened, this.#given)
    const { extended, matched } = await import('../verify-matching.ts')
    const inLog = session ? await extended(session.client, verdict) : verdict
    return matched(inLog, target, opened)
  }

  /** An evidence file needs no server, but one that is known is asked. */
  async #connected(): Promise<Session | undefined> {
    try {
      return await this.session()
    } catch (error) {
      if (!(error instanceof Unready)) throw error
      this.note('no server is known here: checked without one')
      return undefined
    }
  }

  async #online({ base, client, workspace }: WorkspaceSession, target: Target): Promise<Verdict> {
    const { evidenceFrom, judged, namesAt } = await import('../verifying.ts')
    const { openEvidence } = await import('../../api/evidence/open.ts')
    const { matched } = await import('../verify-matching.ts')
    const content = this.#content && target.kind === 'name'
    try {
      const opened = await openEvidence(evidenceFrom(client, base, idOf(target), content))
      const verdict = matched(judged(opened, this.#given), target, opened)
      if (!this.jsonEnabled()) {
        this.#names = await namesAt(client, base, verdict.index.subject.entity)
      }
      return verdict
    } catch (error) {
      if (!isKaosError(error, 'NOT_FOUND') || target.kind === 'name') throw error
      if (target.kind === 'content') {
        const message = `nothing in workspace ${workspace} is made of the bytes in ${target.path}`
        throw new KaosError('NOT_PROVED', `${message}: they were changed, or are from elsewhere`)
      }
      if (target.kind !== 'envelope') throw error
      const { keys } = await client.get<WorkerKeySet>('/ledger/worker-keys')
      throw notTaken(target, keys)
    }
  }
}

function idOf(target: Target): string {
  if (target.kind === 'envelope') return target.digest
  if (target.kind === 'content') return target.tree
  return target.kind === 'name' ? target.name : target.file
}

/** A statement that may be well signed, and yet no outcome of the log. */
function notTaken({ envelope }: Envelope, keys: readonly WorkerKey[]): KaosError {
  const known: EnvelopeKey[] = keys.map(key => ({ kid: key.kid, publicKey: publicKeyOf(key) }))
  const why = 'the log took no outcome with it: its attempt lost, or it is from elsewhere'
  try {
    const { kid } = openEnvelope(envelope, known, null)
    const worker = keys.find(key => key.kid === kid)?.kaos_worker
    return new KaosError('NOT_PROVED', `signed by worker ${worker} with key ${kid}, but ${why}`)
  } catch (error) {
    return error as KaosError
  }
}

function needsEvidence(target: Target): KaosError {
  const what =
    target.kind === 'name' ? `${target.name} is no file here` : 'this alone proves nothing'
  const next = 'give an evidence file, made with: kaos evidence MODEL -o FILE'
  return new KaosError('USAGE', `--offline: ${what}; ${next}`)
}
