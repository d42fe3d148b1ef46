/* Options that several commands share. */
import { Flags } from './options.ts'

export const ind = Flags.integer({ char: 'i', min: 0, summary: 'row of the last listing' })
export const yes = Flags.boolean({ char: 'y', summary: 'do not ask' })
export const jobId = Flags.string({
  char: 'j',
  summary: 'job: its id, the beginning of it, or @latest',
  helpValue: 'ID',
})
export const endpoint = Flags.string({
  char: 'e',
  summary: 'endpoint: its name, a part of it, or @latest',
  helpValue: 'NAME',
})
export const outDir = Flags.string({
  char: 'o',
  summary: 'folder to write to',
  default: '.',
  helpValue: 'DIR',
})
export const existingOutDir = Flags.directory({
  char: 'o',
  summary: 'existing folder to write to',
  default: '.',
  exists: true,
  helpValue: 'DIR',
})
export const format = Flags.string({
  summary: 'form of the drawing',
  options: ['pdf', 'svg', 'png', 'dot', 'json'],
  default: 'pdf',
})
export const follow = Flags.boolean({ summary: 'go on until it has ended' })
export const noCache = Flags.boolean({
  summary: 'read every file again, also those that look as they did at the last push',
})
export const wait = Flags.boolean({ summary: 'wait for the end; exit 5 when it fails' })

/** `--cpu`, `--memory`, `--gpu`, `--label`; read by resourcesOf. */
export const resources = {
  cpu: Flags.string({ summary: 'cores, a fraction is allowed', helpValue: 'CORES' }),
  memory: Flags.string({ summary: 'memory, like 512Mi or 2G', helpValue: 'AMOUNT' }),
  gpu: Flags.string({ summary: 'whole GPUs', helpValue: 'COUNT' }),
  label: Flags.string({
    summary: 'only on a worker that carries this; again for more, none for no label',
    multiple: true,
    helpValue: 'LABEL',
  }),
}
