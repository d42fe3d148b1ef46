/** Replays with a worker that plays a program: what it writes depends on what the order says. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { TrialWork, WorkOrder } from '../../../api/attempts.ts'
import type { ReplayAccepted, ReplayView } from '../../../api/wire.ts'
import { type Files, openScripted, type Scripted } from '../jobs/scripted.ts'

export interface Wrote {
  readonly files: Files
  readonly metrics?: object
  readonly environment?: object
}

/** `turn` counts the runs, the original's being 0. */
export type Program = (work: TrialWork, turn: number) => Wrote | Promise<Wrote>

export interface Scene {
  readonly server: Scripted
  readonly job: string
  readonly model: string
  readonly first: WorkOrder
  /** What each run was told. */
  readonly orders: WorkOrder[]
  /** Runs all trials that there are, until there are no more. */
  work(): Promise<void>
  reproduce(request: object): Promise<ReplayView>
}

export async function trainedScene(
  t: TestContext,
  program: Program,
  request: object = {},
): Promise<Scene> {
  const server = await openScripted(t)
  const accepted = await server.firstTraining(request)
  await server.build()
  const orders: WorkOrder[] = []
  const work = async () => {
    for (;;) {
      const order = await server.claim(['trial'])
      if (!order) return
      await play(server, order, program, orders.length)
      orders.push(order)
    }
  }
  await work()
  const job = accepted.job!.jobId
  const model = (await server.job(job)).models[0]!.modelId!
  const reproduce = async (asked: object) => {
    const { job: replay } = await server.ask<ReplayAccepted>(
      'POST',
      '/workspaces/mnist/replays',
      asked,
    )
    await work()
    return viewOf(server, replay.jobId)
  }
  return { server, job, model, first: orders[0]!, orders, work, reproduce }
}

export function viewOf(server: Scripted, job: string): Promise<ReplayView> {
  return server.ask('GET', `/workspaces/mnist/replays/${job}`)
}

export async function play(
  server: Scripted,
  order: WorkOrder,
  program: Program,
  turn: number,
): Promise<void> {
  const { files, metrics = {}, environment } = await program(order.work as TrialWork, turn)
  const output = await server.sendTree(order, {
    model: files,
    metrics: { 'metrics.json': JSON.stringify(metrics) },
  })
  const log = await server.sendFile(order, 'trained\n')
  const around = { python: '3.12.1', packages: ['numpy==1.0'], ...environment }
  const answer = await server.report(order, { exit: 0, output, log, environment: around })
  assert.equal(answer.statusCode, 200, answer.body)
}
