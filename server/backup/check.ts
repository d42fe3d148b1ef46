/* Is a backup what it says? Its ledger is hashed anew against the signed checkpoint, and everything that
 * it needs is looked for. No server is needed. */
import { openCheckpoint, originOf } from '../../api/checkpoint.ts'
import { digestFromRaw } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { publicKeyOf } from '../../api/signing-keys.ts'
import { openProofs } from '../../graph/proofs.ts'
import { factsOf } from './folder.ts'
import { neededBy, type Source } from './restore.ts'

export interface Asked {
  /** Read every byte. */
  readonly content: boolean
  /** A size of the log whose root is to be told, to compare it with one that is remembered. */
  readonly rootAt?: number | undefined
  tell(text: string): void
}

export interface BackupChecked {
  readonly moment: string
  readonly installation: string
  readonly at: string
  readonly size: number
  readonly root: string
  readonly rootAt: string | null
  readonly objects: number
  readonly findings: readonly string[]
}

const DIGEST = 32
const LOOK = 1024
const TOLD = 20

export async function checkBackup(source: Source, asked: Asked): Promise<BackupChecked> {
  const { moment, ledger } = source
  const { manifest } = moment
  const { size, root } = await ledger.head()
  const findings = [...(await signatureFindings(source)), ...(await ledger.verify())]
  asked.tell(`the ledger was checked: ${size} statements`)
  const { objects, missing } = await lookFor(source)
  findings.push(...missing)
  if (asked.content) findings.push(...(await damagedIn(source, asked)))
  const { rootAt } = asked
  const known = rootAt !== undefined && rootAt <= size
  const then = known ? (await openProofs(ledger).root(rootAt)).toString('hex') : null
  const { installation, at } = manifest
  return { moment: moment.name, installation, at, size, root, rootAt: then, objects, findings }
}

async function signatureFindings({ moment, ledger }: Source): Promise<string[]> {
  const { manifest } = moment
  const origin = originOf(manifest.installation)
  const keys = manifest.keys.map(key => ({ name: origin, publicKey: publicKeyOf(key) }))
  const { size, root } = await ledger.head()
  const findings: string[] = []
  try {
    const signed = openCheckpoint(manifest.checkpoint, keys)
    const same = signed.origin === origin && signed.size === size && signed.root === root
    if (!same)
      findings.push(`the checkpoint speaks of ${signed.size} statements, root ${signed.root}`)
  } catch (error) {
    if (!isKaosError(error, 'SIGNATURE_INVALID')) throw error
    findings.push(error.message)
  }
  const { bytes, sha256 } = await factsOf(moment.ledger)
  const sound = bytes === manifest.ledger.bytes && sha256 === manifest.ledger.sha256
  return sound ? findings : [...findings, 'the file of the ledger is not the one that was written']
}

/** What the ledger needs and is not here, though the backup does not say so itself. */
async function lookFor(source: Source) {
  const known = new Set(source.moment.manifest.missing)
  const wanted = await neededBy(source)
  const lost: string[] = []
  for (let from = 0; from < wanted.length; from += LOOK * DIGEST) {
    const digests = Array.from({ length: LOOK }, (_, i) => from + i * DIGEST)
      .filter(at => at < wanted.length)
      .map(at => digestFromRaw(wanted.subarray(at, at + DIGEST)))
    const here = await source.store.has(digests)
    lost.push(...digests.filter((digest, i) => !here[i] && !known.has(digest)))
  }
  const shown = lost.slice(0, TOLD).map(digest => `object ${digest} is missing`)
  const more = lost.length > TOLD ? [`and ${lost.length - TOLD} more objects`] : []
  return { objects: wanted.length / DIGEST, missing: [...shown, ...more] }
}

async function damagedIn({ store }: Source, { tell }: Asked): Promise<string[]> {
  const findings: string[] = []
  let read = 0
  for await (const one of store.check()) {
    if (one.kind === 'damage') findings.push(`object ${one.digest} is damaged: ${one.reason}`)
    else if (one.kind === 'file')
      findings.push(`${one.file} of the store was damaged: ${one.reason}`)
    else tell(`${Math.round((read += one.bytes) / 1e6)} MB read`)
  }
  return findings
}
