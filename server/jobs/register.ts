/** Every route of the jobs half, to be registered below /api/v1. */
import type { FastifyPluginAsync } from 'fastify'
import { attemptRoutes } from '../attempts/routes.ts'
import { evidenceRoutes } from '../attestations/routes.ts'
import { modelRoutes } from '../models/routes.ts'
import type { Parts } from '../parts.ts'
import { provenanceRoutes } from '../provenance/routes.ts'
import { quarantineRoutes } from '../quarantine/routes.ts'
import { queueRoutes } from '../queue/routes.ts'
import { replayRoutes } from '../replay/routes.ts'
import { serveRoutes } from '../serve/routes.ts'
import { trainRoutes } from '../train/routes.ts'
import { workerRoutes } from '../worker/routes.ts'
import type { Jobs } from './jobs.ts'
import { jobRoutes } from './routes.ts'

export interface JobRoutesOptions {
  readonly parts: Parts
  readonly jobs: Jobs
}

export const registerJobRoutes: FastifyPluginAsync<JobRoutesOptions> = async (app, { jobs }) => {
  const { board } = jobs
  // Who waits for work or follows a log must not hold up the end.
  app.addHook('preClose', async () => board.changes.close())
  for (const routes of [
    trainRoutes,
    replayRoutes,
    jobRoutes,
    attemptRoutes,
    serveRoutes,
    modelRoutes,
  ]) {
    await app.register(routes, { board })
  }
  await app.register(provenanceRoutes, { board })
  await app.register(quarantineRoutes, { board })
  await app.register(evidenceRoutes, { board })
  await app.register(queueRoutes, { board })
  await app.register(workerRoutes, { board })
}
