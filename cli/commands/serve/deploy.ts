import { isKaosError, KaosError } from '../../../api/errors.ts'
import type { EndpointView, ServeAccepted } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import { forget } from '../../caches.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { DONE } from '../../look.ts'
import { Flags } from '../../options.ts'
import type { Given } from '../../training.ts'

export default class ServeDeploy extends KaosCommand {
  static override description =
    'With -m the files of that model are put beside the serve program; without, the bundle holds its own.'
  static override examples = [
    '<%= config.bin %> serve deploy -s templates/mnist/model-serve -m e23a2_9fd9d:b82151',
    '<%= config.bin %> serve deploy -s templates/mnist/model-serve -m @latest --wait',
    '<%= config.bin %> serve deploy -s mnist:ff06b -m mnist:champion --wait',
  ]
  static override flags = {
    source_bundle: Flags.string({
      char: 's',
      summary: 'folder whose one child holds Dockerfile and model/serve; or a source that was sent',
      helpValue: 'DIR|REF',
      required: true,
    }),
    model_id: Flags.string({
      char: 'm',
      summary:
        'model: its id, a part of it, @latest, a version, a tag; or a folder, which is pushed',
      helpValue: 'REF|DIR',
    }),
    ...shared.resources,
    no_cache: shared.noCache,
    wait: shared.wait,
  }

  async run(): Promise<ServeAccepted> {
    const { flags } = await this.parse(ServeDeploy)
    const { givenAs } = await import('../../training.ts')
    const { resourcesOf } = await import('../../asked-resources.ts')
    const bundle = givenAs('serve-source', flags.source_bundle)
    const resources = resourcesOf(flags)
    const session = await this.workspaceSession()
    const { client, base } = session
    const model = flags.model_id && (await this.#model(session, flags.model_id))
    const source = await this.#source(session, bundle)
    const request = { source, ...(model && { model }), ...(resources && { resources }) }
    const accepted = await client.post<ServeAccepted>(`${base}/serve`, request)
    forget(session.folder, ['serve'])
    if (accepted.model !== null) this.result(` ${DONE} Adding trained model_id: ${accepted.model}`)
    this.result(` ${DONE} Setting source bundle: ${accepted.endpoint.code}\n`)
    const { name } = accepted.endpoint
    this.info(`endpoint ${name} was submitted`)
    for (const warning of accepted.warnings ?? []) this.caution(warning)
    if (!flags.wait) {
      this.info('see how it comes up with: kaos serve list')
      return accepted
    }
    return { ...accepted, endpoint: await this.#watch(session, accepted) }
  }

  async #source(session: WorkspaceSession, bundle: Given): Promise<string> {
    if ('reference' in bundle) {
      const { findGiven } = await import('../../catalogue/given.ts')
      return (await findGiven(session, bundle.kind, bundle.reference)).entity
    }
    const { submitBundle } = await import('../../bundles.ts')
    this.result(`\nSubmitting source bundle: ${bundle.given}`)
    const { client, base } = session
    return (await submitBundle(client, base, bundle, this.sending)).id
  }

  /** The full id, so that what is shown is what was meant. A folder is pushed, unless its name is that
   * of a model as well: who types it may mean either. */
  async #model(session: WorkspaceSession, text: string): Promise<string> {
    const { findGiven, isFolder, isPathLike } = await import('../../catalogue/given.ts')
    if (!isFolder('model', text)) return (await findGiven(session, 'model', text)).entity
    if (!isPathLike(text)) {
      const found = await findGiven(session, 'model', text).catch(unlessMissing)
      if (found) {
        const either = `${text} is a folder here and ${found.reference} on the server`
        throw new KaosError('USAGE', `${either}; write ./${text}, or ${found.reference}`)
      }
    }
    const { pushVersion } = await import('../../catalogue/sending.ts')
    this.result(`\nSubmitting model: ${text}`)
    return (await pushVersion(session, 'model', text, {}, this.sending)).version.entity
  }

  async #watch(
    session: WorkspaceSession,
    { endpoint, build }: ServeAccepted,
  ): Promise<EndpointView> {
    const { endpointEnd } = await import('../../watch.ts')
    const { tailOf } = await import('../../logs.ts')
    const { client, base } = session
    const end = await endpointEnd(session, base, endpoint.name, text => this.note(text))
    if (end.state === 'PIPELINE_RUNNING') {
      this.#showHowToCall(session, end)
      return end
    }
    const built = await client.get<{ job: { state: string } }>(
      `${base}${path`/jobs/${build.jobId}`}`,
    )
    const byBuild = built.job.state === 'JOB_FAILURE'
    const log = byBuild
      ? path`/jobs/${build.jobId}/logs`
      : path`/serve/endpoints/${endpoint.name}/logs`
    const tail = await tailOf(client, base + log)
    if (tail !== '') this.note(tail)
    const see = byBuild ? `build-logs -j ${build.jobId}` : `logs -e ${endpoint.name}`
    const why = end.reason === null ? '' : `: ${end.reason}`
    const text = `endpoint ${end.name} is in ${end.state}${why}; its log: kaos serve ${see}`
    throw new KaosError('JOB_FAILED', text, { detail: { endpoint: end } })
  }

  #showHowToCall({ client, settings }: WorkspaceSession, { name, url }: EndpointView): void {
    const address = `${new URL(client.endpoint).protocol}//${url}`
    const token = settings.token.value === undefined ? '' : '-H "Authorization: Bearer $TOKEN" '
    this.result(` ${DONE} Running endpoint: ${name}`)
    this.result(`\n${url}\n`)
    this.info(`call it: curl ${token}--data-binary @<file> ${address}`)
  }
}

function unlessMissing(error: unknown): undefined {
  if (!isKaosError(error) || error.status !== 404) throw error
}
