/* B7, second half: what packs save. Small objects sent to a plain server that keeps each as a synced
 * file, against all in one packed stream to ours; every answer means durable, on both sides. CPU is
 * that of the server and of this process, which is the client of both. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FRAMES_TYPE, frameHeader } from '../api/transfer/protocol.ts'
import { startServer } from '../test/e2e/kaos.ts'
import { cpuMs } from './costs.ts'
import { node } from './measure.ts'

export interface Packing {
  readonly round: number
  readonly objects: number
  readonly each: Used
  readonly packed: Used
}

interface Used {
  readonly wallMs: number
  readonly cpuMs: number
}

const OBJECT_BYTES = 2048
/** The kernel counts in ticks of 10 ms: one stream alone would be too short to be seen. */
const STREAMS = 10

export async function packings(
  folder: string,
  rounds: number,
  objects: number,
): Promise<Packing[]> {
  mkdirSync(folder)
  const plain = await plainServer(join(folder, 'plain'))
  const server = await startServer(join(folder, 'server'))
  const done: Packing[] = []
  try {
    const url = await objectsUrl(server.url)
    const sendEach = async (count: number) => {
      for (const object of fresh(count)) await post(plain.url, 'application/octet-stream', object)
    }
    const sendPacked = async (streams: number) => {
      for (let stream = 0; stream < streams; stream++) await post(url, FRAMES_TYPE, packed(objects))
    }
    // What is called for the first time is compiled first.
    await sendEach(50)
    await sendPacked(1)
    for (let round = 1; round <= rounds; round++) {
      const each = await used(plain.pid, () => sendEach(objects))
      const all = await used(server.process.pid!, () => sendPacked(STREAMS))
      const one = { wallMs: all.wallMs / STREAMS, cpuMs: all.cpuMs / STREAMS }
      done.push({ round, objects, each, packed: one })
    }
  } finally {
    await plain.stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return done
}

async function plainServer(folder: string) {
  mkdirSync(folder)
  const program = join(import.meta.dirname, 'put-server.ts')
  const child = spawn(node, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  return {
    url: `http://127.0.0.1:${String(port).trim()}/`,
    pid: child.pid!,
    async stop() {
      const gone = once(child, 'close')
      child.kill()
      await gone
    },
  }
}

/** Where objects of a new upload are sent. */
async function objectsUrl(server: string): Promise<string> {
  const base = `${server}/api/v1/workspaces`
  await post(base, 'application/json', Buffer.from(JSON.stringify({ name: 'bench' })))
  const opened = await post(`${base}/bench/uploads`)
  const { upload } = (await opened.json()) as { upload: string }
  return `${base}/bench/uploads/${upload}/objects`
}

function fresh(objects: number): Buffer[] {
  return Array.from({ length: objects }, () => randomBytes(OBJECT_BYTES))
}

function packed(objects: number): Buffer {
  return Buffer.concat(fresh(objects).flatMap(one => [frameHeader(one.length), one]))
}

async function post(url: string, type?: string, body?: Buffer): Promise<Response> {
  const answer = await fetch(url, {
    method: 'POST',
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  // A body that nobody reads would hold its connection.
  return new Response(await answer.arrayBuffer())
}

async function used(server: number, work: () => Promise<void>): Promise<Used> {
  const before = cpuMs(server)
  const own = process.cpuUsage()
  const start = performance.now()
  await work()
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(own)
  return { wallMs, cpuMs: cpuMs(server) - before + (user + system) / 1000 }
}
