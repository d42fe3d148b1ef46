import Type, { type Static } from 'typebox'
import { Resources } from '../attempts.ts'
import { At, Nullable, Optional } from './common.ts'
import { JobRow } from './jobs.ts'

export const ENDPOINT_STATES = [
  'PIPELINE_STARTING',
  'PIPELINE_RUNNING',
  'PIPELINE_RESTARTING',
  'PIPELINE_FAILURE',
  'PIPELINE_STANDBY',
  'PIPELINE_KILLED',
] as const
export type EndpointState = (typeof ENDPOINT_STATES)[number]
export const EndpointStateSchema = Type.Unsafe<EndpointState>(
  Type.Union(ENDPOINT_STATES.map(state => Type.Literal(state))),
)

/** POST /workspaces/:ws/serve -> 202 */
export const ServeRequest = Type.Object(
  {
    /** Bundle id or name of kind serve-source. */
    source: Type.String(),
    model: Optional(Type.String()),
    resources: Optional(Resources),
  },
  { title: 'ServeRequest' },
)
export type ServeRequest = Static<typeof ServeRequest>

export const EndpointView = Type.Object(
  {
    name: Type.String(),
    state: EndpointStateSchema,
    reason: Nullable(Type.String()),
    /** `127.0.0.1:8080/serve-mnist-ae6466/invocations`, as the caller reaches it. */
    url: Type.String(),
    user: Type.String(),
    createdAt: At,
    /** `/mnist:ff06b`, with the model put in. */
    code: Type.String(),
    image: Type.String(),
    modelId: Nullable(Type.String()),
    buildJob: Type.String(),
    revision: Type.String(),
    /** Why what it serves is quarantined. */
    quarantined: Optional(Type.String()),
  },
  { title: 'Endpoint' },
)
export type EndpointView = Static<typeof EndpointView>
export const ServeAccepted = Type.Object(
  {
    endpoint: EndpointView,
    source: Type.String(),
    model: Nullable(Type.String()),
    build: JobRow,
    /** What is much like something quarantined. */
    warnings: Optional(Type.Array(Type.String())),
  },
  { title: 'ServeAccepted' },
)
export type ServeAccepted = Static<typeof ServeAccepted>

/** GET /workspaces/:ws/serve. building: newest build that runs or failed first; running: endpoints whose build is
 * done. GET|… /workspaces/:ws/serve/endpoints/:endpoint, /artifacts -> {code: Artifact}, /logs?follow=,
 * /provenance?format=, POST /kill -> EndpointView. Name, unique part of it, or @latest. */
export const ServeList = Type.Object(
  { building: Type.Array(JobRow), running: Type.Array(EndpointView) },
  { title: 'ServeList' },
)
export type ServeList = Static<typeof ServeList>
