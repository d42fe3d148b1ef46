/* A server, as whoever makes a backup of it sees it. */
import type { BackupBegun, BackupNeeded, BackupObjects } from '../../api/backup.ts'
import { CODES, type Code, KaosError } from '../../api/errors.ts'
import { parseFrames } from '../../api/transfer/frames.ts'

export interface Place {
  readonly endpoint: string
  readonly token?: string | undefined
}

export type Said =
  | { readonly is: 'begun'; readonly begun: BackupBegun }
  | { readonly is: 'ledger'; readonly bytes: Buffer }
  | { readonly is: 'digests'; readonly raw: Buffer }
  | { readonly is: 'needed'; readonly needed: BackupNeeded }

export interface Remote {
  /** Everything of one moment but the objects. CONFLICT while something is collected. */
  begin(): AsyncGenerator<Said>
  /** Of these digests (32 bytes each, a thousand or so) the objects that can be read. */
  objects(lease: string, raw: Buffer): AsyncGenerator<Buffer>
  end(lease: string): Promise<void>
}

const cut = () =>
  new KaosError(
    'UNREACHABLE',
    'the connection to the server broke; the backup goes on when it is back',
  )

export function remoteAt({ endpoint, token }: Place): Remote {
  async function post(path: string, body?: object): Promise<Response> {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    }
    const options = { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) }
    const answer = await fetch(`${endpoint}/api/v1${path}`, options).catch(cause => {
      const why = (cause as Error & { cause?: Error }).cause?.message ?? (cause as Error).message
      throw new KaosError('UNREACHABLE', `the server at ${endpoint} does not answer: ${why}`, {
        cause,
      })
    })
    if (answer.ok) return answer
    throw await refusalOf(answer)
  }

  return {
    async *begin() {
      for await (const frame of framesOf(await post('/admin/backup'))) {
        const said = frame.subarray(1)
        switch (String.fromCharCode(frame[0] ?? 0)) {
          case 'S':
            yield { is: 'begun', begun: JSON.parse(said.toString()) as BackupBegun }
            break
          case 'L':
            yield { is: 'ledger', bytes: said }
            break
          case 'D':
            yield { is: 'digests', raw: said }
            break
          case 'E':
            yield { is: 'needed', needed: JSON.parse(said.toString()) as BackupNeeded }
            return
        }
      }
      throw cut()
    },
    async *objects(lease, raw) {
      const asked: BackupObjects = { lease, digests: raw.toString('base64') }
      yield* framesOf(await post('/admin/backup/objects', asked))
    },
    async end(lease) {
      await post('/admin/backup/end', { lease })
    },
  }
}

async function* framesOf({ body }: Response): AsyncGenerator<Buffer> {
  if (body === null) throw cut()
  try {
    yield* parseFrames(body, cut)
  } catch (error) {
    // What undici calls a terminated body.
    throw error instanceof KaosError ? error : cut()
  }
}

async function refusalOf(answer: Response): Promise<KaosError> {
  const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string }
  const known = said.code !== undefined && said.code in CODES
  const code = known ? (said.code as Code) : 'UNREACHABLE'
  return new KaosError(code, said.message ?? `the server answered ${answer.status}`)
}
