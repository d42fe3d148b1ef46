/* Backups as the CLI sees them, and whether they belong to the history that was seen from here. */
import { programPath } from './package-root.ts'
import { resultOf } from './program.ts'
import { recall } from './witness.ts'

interface Asked {
  readonly folder: string
  readonly moment: string | undefined
  readonly content: boolean
}

export interface BackupChecked {
  readonly size: number
  readonly root: string
  readonly objects: number
  readonly findings: readonly string[]
  /** Statements of the checkpoint that was seen from here and that it was compared with. */
  readonly before: number | null
}

type Checked = Omit<BackupChecked, 'before'> & { rootAt: string | null }

export async function checkedBackup(
  asked: Asked,
  stateHome: string,
  tell: (text: string) => void,
): Promise<BackupChecked> {
  const program = programPath('server/backup/main')
  const { moments } = await resultOf<{ moments: { installation: string }[] }>(
    program,
    { what: 'list', folder: asked.folder },
    { tell },
  )
  const installation = moments.at(-1)?.installation
  const memory = installation === undefined ? undefined : recall(stateHome, installation)
  const order = { what: 'check', ...asked, rootAt: memory?.size }
  const { rootAt, ...checked } = await resultOf<Checked>(program, order, { tell })
  if (memory === undefined || rootAt === null) return { ...checked, before: null }
  if (rootAt === memory.root) return { ...checked, before: memory.size }
  const other = `its first ${memory.size} statements are not those that the server showed from here`
  return { ...checked, findings: [...checked.findings, other], before: memory.size }
}
