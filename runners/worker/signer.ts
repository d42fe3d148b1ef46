/* The key with which this worker signs what it made. It is made at the first start, lies in the
 * worker's folder for nobody else to read, and is enrolled with the server before work is claimed. One
 * that the server takes no longer (retired, revoked) is replaced by a new one.
 *
 *   <folder>/signing-key.json   {"privateKey": PEM} */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Report, WorkOrder } from '../../api/attempts.ts'
import { type Envelope, signedEnvelope } from '../../api/attestation.ts'
import { type Json, wellFormed } from '../../api/canonical.ts'
import { originOf } from '../../api/checkpoint.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { statementOfJob } from '../../api/job-statement.ts'
import { newSigningPair, provePossession, thumbprintOf } from '../../api/worker-keys.ts'
import { writeDurably } from '../durably.ts'
import type { AttemptsClient } from './attempts-client.ts'

interface Key {
  readonly kid: string
  readonly x: string
  readonly privateKey: KeyObject
}

const PRIVATE = 0o600

export class Signer {
  readonly #file: string
  readonly #say: (line: string) => void
  #key: Key
  #enrolled = false
  #enrolling: Promise<void> | undefined
  /** The server is of a time before workers had keys. */
  #unwanted = false

  constructor(folder: string, say: (line: string) => void) {
    this.#file = join(folder, 'signing-key.json')
    this.#say = say
    this.#key = this.#read() ?? this.#make()
  }

  /** The key to claim with; undefined where the server knows no such keys. */
  async enrolled(client: AttemptsClient, signal: AbortSignal): Promise<string | undefined> {
    if (this.#unwanted) return undefined
    if (!this.#enrolled) {
      this.#enrolling ??= this.#enrol(client, signal).finally(() => {
        this.#enrolling = undefined
      })
      await this.#enrolling
    }
    return this.#unwanted ? undefined : this.#key.kid
  }

  /** The server refused the key: it is enrolled again, or replaced. */
  refused(): void {
    this.#enrolled = false
  }

  /** The report with the worker's statement, where the order asks for one. */
  async signed(order: WorkOrder, report: Report): Promise<Report> {
    const { signing } = order
    if (signing === undefined) return report
    const clean = wellFormed(report as unknown as Json) as unknown as Report
    const statement = await statementOfJob({ ...order, signing }, clean)
    if (statement === undefined) return report
    const attestation: Envelope = signedEnvelope(statement, this.#key)
    return { ...clean, attestation }
  }

  async #enrol(client: AttemptsClient, signal: AbortSignal): Promise<void> {
    try {
      const installation = await client.installation(signal)
      try {
        await this.#offer(client, installation, signal)
      } catch (error) {
        if (!isKaosError(error, 'KEY_REFUSED')) throw error
        this.#say(`${error.message}; a new one is made`)
        this.#key = this.#make()
        await this.#offer(client, installation, signal)
      }
      this.#enrolled = true
      this.#say(`signs with key ${this.#key.kid}`)
    } catch (error) {
      if (!isKaosError(error, 'NOT_FOUND')) throw error
      this.#say('the server takes no keys of workers: what is made here is not signed')
      this.#unwanted = true
    }
  }

  async #offer(client: AttemptsClient, installation: string, signal: AbortSignal): Promise<void> {
    const { privateKey, x } = this.#key
    const proof = provePossession(originOf(installation), x, privateKey)
    await client.enrol({ x, proof }, signal)
  }

  #read(): Key | undefined {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unusable(this.#file, cause)
    }
    if ((statSync(this.#file).mode & 0o077) !== 0) {
      this.#say(`others could read ${this.#file}; only its owner can now`)
      chmodSync(this.#file, PRIVATE)
    }
    try {
      return keyOf(createPrivateKey((JSON.parse(text) as { privateKey: string }).privateKey))
    } catch (cause) {
      throw unusable(this.#file, cause)
    }
  }

  #make(): Key {
    const key = newSigningPair()
    const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    writeDurably(this.#file, { privateKey: pem })
    return key
  }
}

function keyOf(privateKey: KeyObject): Key {
  const x = String(createPublicKey(privateKey).export({ format: 'jwk' }).x)
  return { kid: thumbprintOf(x), x, privateKey }
}

function unusable(file: string, cause: unknown): KaosError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const next = 'restore it, or remove it: the worker then makes and enrols a new one'
  return new KaosError(
    'CONFIGURATION',
    `the signing key ${file} cannot be used (${why}); ${next}`,
    {
      cause,
    },
  )
}
