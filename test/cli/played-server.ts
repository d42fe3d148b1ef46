/* A small HTTP server whose answers the test decides, and the kaos command as a child process. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface Played {
  readonly url: string
  readonly seen: Seen[]
}

/** What the test answers; calls are counted from 0. */
export type Answer = (seen: Seen, response: ServerResponse, call: number) => void

export async function play(t: TestContext, answer: Answer): Promise<Played> {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body: Buffer.concat(parts) }
    seen.push(one)
    answer(one, response, seen.length - 1)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  more: Record<string, unknown> = {},
): void {
  response
    .writeHead(status, {
      'content-type': 'application/problem+json',
      ...(status >= 500 && { 'x-request-id': 'r1' }),
    })
    .end(JSON.stringify({ status, code, message, detail: message, requestId: 'r1', ...more }))
}

/** What GET /server says of a server on this machine. */
export const LOCAL = {
  name: 'kaos',
  version: '2.0.0',
  api: 1,
  installation: 'i',
  runner: 'process',
  local: true,
  actor: { id: 'a', name: 'jfriedman', scopes: ['admin'] },
}

/** Nobody listens there. */
export const NOWHERE = 'http://127.0.0.1:9'

export function temporary(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kaos-cli-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A folder that is connected, with the workspace mnist. */
export function connected(t: TestContext, url: string): string {
  const folder = temporary(t)
  mkdirSync(join(folder, '.kaos'))
  writeFileSync(
    join(folder, '.kaos', 'config'),
    `[default]\nuser = me\n[contexts]\nenvironments = remote,\n[active]\nenvironment = remote
[pachyderm]\nworkspace = mnist\n[remote]\n[[backend]]\nurl = ${url}\ntoken = ""\n`,
  )
  return folder
}

export interface Done {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What the tester has set for real servers must not reach the command under test. */
export const OURS = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('KAOS_')),
)

export const COMMAND = join(import.meta.dirname, '..', '..', 'cli', 'kaos')

/** Runs the real command in a folder; `input` is what comes through its stdin. */
export function kaosIn(cwd: string, env: NodeJS.ProcessEnv = {}, input = '') {
  return (...args: string[]): Promise<Done> =>
    new Promise((resolve, reject) => {
      const child = spawn(COMMAND, args, { cwd, env: { ...OURS, ...env } })
      const out: Buffer[] = []
      const err: Buffer[] = []
      child.stdout.on('data', data => out.push(data))
      child.stderr.on('data', data => err.push(data))
      child.once('error', reject)
      child.once('close', code => {
        const [stdout, stderr] = [out, err].map(parts => Buffer.concat(parts).toString())
        resolve({ code, stdout: stdout ?? '', stderr: stderr ?? '' })
      })
      child.stdin.end(input)
    })
}
