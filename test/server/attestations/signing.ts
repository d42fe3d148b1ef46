/* A worker that enrols a key and signs what it reports, as the real one does, or as the test wants. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import type { Report, WorkOrder } from '../../../api/attempts.ts'
import { type Envelope, type Statement, signedEnvelope } from '../../../api/attestation.ts'
import { originOf } from '../../../api/checkpoint.ts'
import { openEvidence } from '../../../api/evidence/open.ts'
import { type Trust, type Verdict, verifyEvidence } from '../../../api/evidence/verify.ts'
import { statementOfJob } from '../../../api/job-statement.ts'
import type { KeySet } from '../../../api/signing-keys.ts'
import { provePossession, thumbprintOf } from '../../../api/worker-keys.ts'
import { FINISH, type Files, openScripted, type Scripted, START } from '../jobs/scripted.ts'

export interface Key {
  readonly kid: string
  readonly x: string
  readonly privateKey: KeyObject
}

export function newKey(): Key {
  const { privateKey } = generateKeyPairSync('ed25519')
  const x = String(createPublicKey(privateKey).export({ format: 'jwk' }).x)
  return { kid: thumbprintOf(x), x, privateKey }
}

export class Signing {
  readonly server: Scripted
  readonly name: string
  readonly key: Key
  readonly #token: string

  constructor(server: Scripted, name: string, token: string, key: Key) {
    this.server = server
    this.name = name
    this.key = key
    this.#token = token
  }

  enrol(key: Key = this.key, origin?: string): Promise<LightMyRequestResponse> {
    const of = origin ?? originOf(this.server.test.parts.ledger.id)
    const body = { x: key.x, proof: provePossession(of, key.x, key.privateKey) }
    return this.server.workerCall('enrol', body, this.#token)
  }

  tryClaim(kind: string, kid: string | undefined = this.key.kid) {
    const claim = { worker: this.name, runner: 'process', kinds: [kind], waitMs: 0 }
    const signed = kid === '' ? claim : { ...claim, kid }
    return this.server.workerCall('claim', signed, this.#token)
  }

  async claim(kind: string): Promise<WorkOrder> {
    const answer = await this.tryClaim(kind)
    assert.equal(answer.statusCode, 200, answer.body)
    return answer.json()
  }

  /** The report of an end that went well, without a signature. */
  async ended(order: WorkOrder, files: Files): Promise<Report> {
    const { server } = this
    const tree = await server.sendTree(order, files)
    const log = await server.sendFile(order, 'done\n')
    const environment = { python: '3.12.1' }
    const common = { state: 'succeeded', startedAt: START, finishedAt: FINISH, log } as const
    if (order.work.kind !== 'build') return { ...common, environment, exit: 0, output: tree }
    const { image: name, program } = order.work
    const image = { name, kind: 'environment' as const, tree, program, labels: {} }
    return { ...common, environment, image }
  }

  async statement(order: WorkOrder, report: Report): Promise<Statement> {
    return (await statementOfJob({ ...order, signing: order.signing! }, report))!
  }

  async envelope(order: WorkOrder, report: Report, key = this.key): Promise<Envelope> {
    return signedEnvelope(await this.statement(order, report), key)
  }

  report(order: WorkOrder, report: Report): Promise<LightMyRequestResponse> {
    return this.server.workerCall(`${order.attempt}/report`, report, order.token)
  }

  /** Claims the next work of this kind and ends it well, signed. */
  async work(kind: 'build' | 'trial', files: Files): Promise<Envelope> {
    const order = await this.claim(kind)
    const report = await this.ended(order, files)
    const attestation = await this.envelope(order, report)
    const answer = await this.report(order, { ...report, attestation })
    assert.equal(answer.statusCode, 200, answer.body)
    return attestation
  }
}

export const BUILT: Files = { 'environment.json': '{}' }
export const MODEL: Files = {
  model: { 'model.pkl': 'weights', big: 'x'.repeat(400_000) },
  metrics: { 'metrics.json': '{"accuracy":0.9}' },
}

export async function signingWorker(server: Scripted, name: string): Promise<Signing> {
  const token = await server.test.parts.people.issueWorkerToken(name)
  const worker = new Signing(server, name, token, newKey())
  const enrolled = await worker.enrol()
  assert.equal(enrolled.statusCode, 200, enrolled.body)
  return worker
}

/** A server with a training that waits for a worker with a key. */
export async function openSigning(t: TestContext) {
  const server = await openScripted(t)
  const { job } = await server.firstTraining()
  const worker = await signingWorker(server, 'w1')
  return { server, worker, job: job!.jobId }
}

/** The same, built and trained; answers the model's id. */
export async function openSigned(t: TestContext) {
  const scene = await openSigning(t)
  const build = await scene.worker.work('build', BUILT)
  const envelope = await scene.worker.work('trial', MODEL)
  const model = (await scene.server.job(scene.job)).models[0]!.modelId!
  return { ...scene, build, envelope, model }
}

export async function evidence(server: Scripted, id: string, query = ''): Promise<Buffer> {
  const url = `/workspaces/mnist/evidence?id=${encodeURIComponent(id)}${query}`
  const answer = await server.call('GET', url)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.rawPayload
}

/** What a verifier says who knows the server's own keys. */
export async function verdictOn(
  server: Scripted,
  tar: Buffer,
  trust: Partial<Trust> = {},
): Promise<Verdict> {
  const { keys } = await server.ask<KeySet>('GET', '/ledger/keys')
  return verifyEvidence(await openEvidence(source(tar)), { keys, ...trust })
}

export async function* source(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000)
}

export function badOf({ findings }: Verdict): string[] {
  return findings.filter(({ is }) => is === 'bad').map(({ check, text }) => `${check}: ${text}`)
}
