/* How long until the first answer: `kaos up` to ready against a bare Node, and the CPU of `--help`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../test/e2e/kaos.ts'
import { cpuOf, line, median, node, root, timeOf } from './measure.ts'

const ROUNDS = 7

export async function startUp(): Promise<void> {
  const up: number[] = []
  const bare: number[] = []
  const help: number[] = []
  const bareCpu: number[] = []
  const data = mkdtempSync(join(tmpdir(), 'kaos-bench-'))
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await timeOf(node, ['-e', '0']))
      const start = performance.now()
      const server = await startServer(data)
      up.push(performance.now() - start)
      await server.stop()
      bareCpu.push(await cpuOf(node, ['-e', '0']))
      help.push(await cpuOf(join(root, 'cli', 'kaos'), ['--help']))
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
  line('up', {
    ready_ms: median(up),
    bare_node_ms: median(bare),
    ratio: median(up) / median(bare),
    goal_ms: 1000,
    n: ROUNDS,
  })
  line('help', {
    cpu_ms: median(help),
    bare_node_cpu_ms: median(bareCpu),
    goal_cpu_ms: 300,
    n: ROUNDS,
  })
}
