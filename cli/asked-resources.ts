/* `--cpu`, `--memory`, `--gpu` and `--label` as the server takes them; what is not given stays as it
 * was. */
import type { Resources } from '../api/attempts.ts'
import { parseCpu, parseGpu, parseLabels, parseMemory } from '../api/resources.ts'

export interface ResourceFlags {
  readonly cpu: string | undefined
  readonly memory: string | undefined
  readonly gpu: string | undefined
  readonly label?: readonly string[] | undefined
}

export function resourcesOf({ cpu, memory, gpu, label }: ResourceFlags): Resources | undefined {
  const resources: Resources = {
    ...(cpu === undefined ? {} : { cpu: parseCpu(cpu) }),
    ...(memory === undefined ? {} : { memoryBytes: parseMemory(memory) }),
    ...(gpu === undefined ? {} : { gpu: parseGpu(gpu) }),
    ...(label === undefined ? {} : { labels: parseLabels(label) }),
  }
  return Object.keys(resources).length === 0 ? undefined : resources
}
