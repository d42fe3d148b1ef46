/* The only file that knows Graphviz. A layout blocks its thread from beginning to end and can take
 * minutes, so it has a thread of its own that may be ended at any moment: it says when it is ready,
 * takes one DOT text, and answers with SVG or with what was wrong. */
import { parentPort } from 'node:worker_threads'
import graphviz from 'graphviz-wasm'

export type Answer = { readonly svg: string } | { readonly error: string }

const port = parentPort
if (port === null) throw new Error('graphviz-worker runs in a worker thread only')

await graphviz.loadWASM()
port.once('message', (dot: string) => port.postMessage(answerTo(dot)))
port.postMessage('ready')

function answerTo(dot: string): Answer {
  try {
    return { svg: graphviz.layout(dot, 'svg', 'dot') }
  } catch (error) {
    return { error: error instanceof Error ? error.message.trim() : String(error) }
  }
}
