/* One attempt in the hands of this worker.
 *
 *   claimed -> preparing -> running -> collecting -> reporting -> forgotten        (a training)
 *              preparing -> running -> collecting -> reporting -> forgotten        (a build)
 *              preparing -> running -> collecting -> reporting -> forgotten        (an ingestion)
 *              preparing -> running -> serving <-> restarting -> reporting -> …    (a service)
 *
 *   killed (stop)         running, serving: the program is ended, then reporting `stopped`
 *   worker ends (drain)   everything is left as it is; the next worker adopts it or reports it lost
 *   not ours (gone)       the program is ended, the attempt forgotten, nothing is reported
 *
 * Always true: `reporting` begins when all bytes that the report names are stored; the report is said
 * again until the server has it or does not want it; only then is the folder removed. What a report
 * says was made is signed before it is kept. */
import type { Address, Reach, Report, WorkOrder } from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import { type Channel, Outbox } from '../../api/transfer/send.ts'
import { sendFile } from '../../api/transfer/send-file.ts'
import type { Runner } from '../runner.ts'
import { throughAbsence } from './absence.ts'
import type { AttemptFolder } from './attempt-folder.ts'
import { AttemptSpans } from './attempt-spans.ts'
import type { AttemptCalls } from './attempts-client.ts'
import { buildOutcome } from './builds.ts'
import { imageConfigOf } from './image-config.ts'
import { ingestOutcome } from './ingest/ingests.ts'
import { JournalOutbox, type SendPiece } from './journal-outbox.ts'
import { Halt, Lease } from './lease.ts'
import { LogOutbox } from './log-outbox.ts'
import { isGone, patiently } from './patience.ts'
import { serviceOutcome } from './services.ts'
import { trialOutcome } from './trials.ts'
import { GRACE_MS, type Outcome, type Work, type Workplace } from './work.ts'

type Journals = Pick<Work, 'log' | 'measurements' | 'metrics'>

export class Attempt {
  readonly #workplace: Workplace
  readonly #folder: AttemptFolder
  readonly #calls: AttemptCalls
  readonly #lease: Lease
  readonly #spans: AttemptSpans
  readonly #draining = new AbortController()

  constructor(workplace: Workplace, folder: AttemptFolder, calls: AttemptCalls) {
    this.#workplace = workplace
    this.#folder = folder
    this.#calls = calls
    this.#spans = new AttemptSpans(folder.order)
    this.#lease = new Lease(calls, folder.order.leaseMs, phase => this.#spans.enter(phase))
  }

  get order(): WorkOrder {
    return this.#folder.order
  }

  get kind(): 'build' | 'trial' | 'service' | 'ingest' {
    return this.#folder.order.work.kind
  }

  #say(what: string): void {
    const { attempt, workspace, job } = this.#folder.order
    this.#workplace.say(`${this.kind} ${attempt}: ${what}`, { workspace, job, attempt })
  }

  /** The worker ends: what runs goes on without it. */
  drain(): void {
    this.#draining.abort(new Halt('drain'))
    this.#lease.halt('drain')
  }

  /** From wherever it is to its end. Never rejects. */
  run(resumed: boolean): Promise<void> {
    return this.#spans.within(() => this.#run(resumed))
  }

  async #run(resumed: boolean): Promise<void> {
    this.#spans.enter('preparing')
    const keeping = this.#lease.keep({ fresh: !resumed })
    try {
      const report = this.#folder.progress.report ?? (await this.#outcome(resumed))
      this.#folder.advance({ report })
      this.#spans.enter('reporting')
      await this.#report(report)
      this.#spans.end(report.state, report.reason)
      this.#say(`${report.state} ${report.reason ?? ''}`.trim())
      await this.#forget()
    } catch (error) {
      await this.#abandon(error)
    } finally {
      this.#lease.close()
      await keeping
    }
  }

  async #outcome(resumed: boolean): Promise<Report> {
    const journals = this.#journals()
    const { log, measurements, metrics } = journals
    const outbox = new Outbox(this.#channel())
    try {
      const outcome = await this.#work(this.#workWith(journals, outbox, resumed))
      const report = await this.#stored(outcome, journals, outbox).catch(error => {
        if (this.#lease.quit.aborted) throw error
        return this.#stored(this.#lost(error), journals, new Outbox(this.#channel()))
      })
      return await this.#workplace.signer.signed(this.#folder.order, report)
    } finally {
      await Promise.all([log.close(), measurements?.close(), metrics?.close()])
    }
  }

  /** The report, once all that it names is stored. */
  async #stored(
    outcome: Outcome,
    { log, measurements, metrics }: Journals,
    outbox: Outbox,
  ): Promise<Report> {
    const report = {
      ...outcome,
      log: await this.#sealed(log, outbox),
      ...(measurements?.size ? { measurements: await this.#sealed(measurements, outbox) } : {}),
      ...(metrics?.size ? { metrics: await this.#sealed(metrics, outbox) } : {}),
    }
    await outbox.flush()
    return report
  }

  #journals(): Journals {
    const [folder, calls, { quit }] = [this.#folder, this.#calls, this.#lease]
    const log = new LogOutbox(folder.log, (...piece) => calls.log(...piece), quit)
    if (this.kind !== 'trial') return { log }
    const measured: SendPiece = (...piece) => calls.measurements(...piece)
    const said: SendPiece = (...piece) => calls.metrics(...piece)
    return {
      log,
      measurements: new JournalOutbox(folder.measurements, measured, quit),
      metrics: new JournalOutbox(folder.metrics, said, quit),
    }
  }

  /** The journal as a file, on its way into the store. */
  async #sealed(journal: JournalOutbox, outbox: Outbox): Promise<{ digest: Digest; size: number }> {
    const refused = await journal.close()
    if (refused instanceof Error) this.#say(`a journal is refused: ${refused.message}`)
    return sendFile(journal.path, this.#channel(), { outbox })
  }

  #workWith(journals: Journals, outbox: Outbox, resumed: boolean): Work {
    const lease = this.#lease
    const channel = this.#channel()
    const { runner, trees } = this.#workplace
    const tree: Work['tree'] = digest => trees.folderOf(digest as Digest, this.#calls, lease.halted)
    const imageConfig: Work['imageConfig'] = image =>
      patiently(() => imageConfigOf(this.#calls, image, lease.halted), lease.halted)
    const own = { runner, folder: this.#folder, lease, channel, outbox, resumed }
    const shown: Work['shown'] = address => this.#shown(address)
    return { ...own, ...journals, tree, imageConfig, shown }
  }

  /** An outcome whatever happens, unless there is nobody to tell it to. */
  async #work(work: Work): Promise<Outcome> {
    const order = this.#folder.order.work
    try {
      // A service has no outcome that could have holes: it is started again.
      if (this.#folder.cutShort && order.kind !== 'service')
        throw new Error('its host started again')
      if (order.kind === 'build') return await buildOutcome(work, order)
      if (order.kind === 'trial') return await trialOutcome(work, order)
      if (order.kind === 'ingest') return await ingestOutcome(work, order)
      return await serviceOutcome(work, order)
    } catch (error) {
      if (this.#lease.quit.aborted) throw this.#lease.quit.reason
      const stopped = error instanceof Halt && error.why === 'stop'
      await this.#whenThere(this.#lease.quit, runner => runner.stop(this.#folder.place, GRACE_MS))
      const lost = this.#lost(error)
      if (!stopped) work.log.line(`the worker could not go on: ${lost.reason}`)
      const { startedAt, finishedAt } = lost
      return stopped ? { state: 'stopped', startedAt, finishedAt } : lost
    }
  }

  #lost(error: unknown): Outcome {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      state: 'lost',
      reason: reason.slice(0, 4000),
      startedAt: this.#folder.progress.claimedAt,
      finishedAt: new Date().toISOString(),
    }
  }

  #shown(address: Address): Reach {
    const { forwarder } = this.#workplace
    const { attempt, secret } = this.#folder.order
    if (forwarder === undefined || secret === undefined) return address
    forwarder.open(attempt, secret, address)
    return { forwarder: forwarder.about.url }
  }

  #channel(): Channel {
    const { quit } = this.#lease
    return {
      have: digests => patiently(() => this.#calls.have(digests), quit),
      objects: frames => patiently(() => this.#calls.objects(frames), quit),
    }
  }

  async #report(report: Report): Promise<void> {
    const { quit } = this.#lease
    try {
      await patiently(() => this.#calls.report(report, quit), quit)
    } catch (error) {
      if (quit.aborted || isGone(error) || report.state === 'lost') throw error
      // It does not take this report; then at least it must learn that the attempt is over.
      const said = isKaosError(error) ? error.message : String(error)
      const reason = `the server refused the outcome: ${said}`.slice(0, 4000)
      const { startedAt, finishedAt } = report
      const lost: Report = { state: 'lost', reason, startedAt, finishedAt }
      await patiently(() => this.#calls.report(lost, quit), quit)
    }
  }

  async #abandon(error: unknown): Promise<void> {
    const { quit } = this.#lease
    const left = quit.aborted && quit.reason instanceof Halt && quit.reason.why === 'drain'
    this.#spans.end(left ? 'left' : 'lost', String(error))
    if (left) return
    const why = error instanceof Error ? error.message : String(error)
    this.#say(`it is given up: ${why}`)
    await this.#forget().catch(() => {})
  }

  async #forget(): Promise<void> {
    const { place, order } = this.#folder
    this.#workplace.forwarder?.shut(order.attempt)
    await this.#whenThere(this.#draining.signal, async runner => {
      await runner.stop(place, GRACE_MS)
      await runner.release(place)
    })
    await this.#folder.remove()
  }

  /** What is left in an engine that is away would be there, running, when it is back. */
  #whenThere(signal: AbortSignal, what: (runner: Runner) => Promise<void>): Promise<void> {
    const { runner, say } = this.#workplace
    return throughAbsence({ signal, say }, () => what(runner))
  }
}
