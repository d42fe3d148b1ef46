/* Follows what the classic builder says: log lines for people, and what kaos must remember of it:
 * the step that runs, the image that came out, and what a build that ends early leaves behind. */
import type { EngineEvent } from './events.ts'

const STEP = /^Step (\d+\/\d+) : ([\s\S]*)$/
const CONTAINER = /^ ---> Running in ([0-9a-f]{12,64})$/
const LAYER = /^ ---> ([0-9a-f]{12,64})$/
const LINE_MAX = 64 * 1024

export class BuildProgress {
  readonly #log: (line: string) => void
  #rest = ''
  #step: string | undefined
  #image: string | undefined
  #error: string | undefined
  readonly #containers = new Set<string>()
  readonly #layers = new Set<string>()

  constructor(log: (line: string) => void) {
    this.#log = log
  }

  /** Id of the image, once the build is through. */
  get image(): string | undefined {
    return this.#image
  }

  /** Why the build failed; undefined if it did not. */
  get failure(): string | undefined {
    if (this.#error === undefined) return undefined
    return this.#step === undefined ? this.#error : `${this.#step} failed: ${this.#error}`
  }

  /** Whether the build broke while it fetched a base image. */
  get brokeOnBase(): boolean {
    return this.#error !== undefined && / "FROM /i.test(this.#step ?? ' "FROM ')
  }

  /** Containers and images that the steps made, newest first. */
  get leavings(): { containers: string[]; images: string[] } {
    return { containers: [...this.#containers], images: [...this.#layers].reverse() }
  }

  take(event: EngineEvent): void {
    if (event.aux?.ID !== undefined) this.#image = event.aux.ID
    if (event.stream !== undefined) this.#text(event.stream)
    if (event.status !== undefined && event.progressDetail?.current === undefined) {
      this.#line([event.id, event.status].filter(Boolean).join(': '))
    }
    if (event.error !== undefined) {
      this.flush()
      this.#error = event.error
      this.#log(event.error)
    }
  }

  /** The last line, though nothing ended it. */
  flush(): void {
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#line(rest)
  }

  #text(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    if (this.#rest.length > LINE_MAX) this.flush()
  }

  #line(line: string): void {
    // A progress bar draws over itself: what stands at the end is what people saw.
    const shown = line.replace(/\r+$/, '').replace(/^.*\r/, '')
    const step = STEP.exec(shown)
    if (step !== null) this.#step = `step ${step[1]} "${short(step[2]!)}"`
    const container = CONTAINER.exec(shown)?.[1]
    if (container !== undefined) this.#containers.add(container)
    const layer = LAYER.exec(shown)?.[1]
    if (layer !== undefined) this.#layers.add(layer)
    if (shown !== '') this.#log(shown)
  }
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= 200 ? line : `${line.slice(0, 200)}…`
}
