import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { versionOf } from '../../api/version.ts'
import { DoctorView, Problem } from '../../api/wire.ts'
import { type Look, lookAll } from './findings.ts'

interface Options {
  readonly now: () => number
  readonly looks: Readonly<Record<string, Look>>
}

export const doctorRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { now, looks }) => {
  app.get(
    '/admin/doctor',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['system'],
        summary: 'What is wrong with each part of this server, and how to mend it',
        response: { 200: DoctorView, '4xx': Problem },
      },
    },
    async () => {
      const findings = await lookAll(looks)
      return { now: new Date(now()).toISOString(), version: versionOf(), findings }
    },
  )
}
