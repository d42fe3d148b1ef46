/* What the engine answers to a build, a pull or a load: one JSON object per line, under status 200
 * also when it fails. Read as it comes; nothing is kept. */
export interface EngineEvent {
  readonly stream?: string
  readonly status?: string
  readonly id?: string
  readonly progressDetail?: { readonly current?: number }
  readonly error?: string
  readonly aux?: { readonly ID?: string }
}

/** One line never grows beyond this; the engine's own are far shorter. */
const LINE_MAX = 4 * 1024 * 1024

export async function* eventsOf(answer: AsyncIterable<unknown>): AsyncGenerator<EngineEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of answer) {
    rest += decoder.decode(piece as Uint8Array, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_MAX) throw new Error('the engine sent a line without an end')
    for (const line of lines) {
      if (line.trim() !== '') yield JSON.parse(line) as EngineEvent
    }
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as EngineEvent
}
