/* A stand-in for the program that knows the GPUs, first on the PATH of this process while a test runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** `nvidia-smi` of a host with so many GPUs of 80 GiB; answers where it lies. */
export async function standInGpus(t: TestContext, count: number): Promise<string> {
  const lines = (of: (number: number) => string) =>
    Array.from({ length: count }, (_, number) => of(number)).join('\\n')
  const script = `#!/bin/sh
case "$1" in
-L) printf '${lines(number => `GPU ${number}: NVIDIA H100 (UUID: GPU-${number})`)}\\n' ;;
--query-gpu=index,uuid*) printf '${lines(number => `${number}, GPU-${number}, 81920, 550.54.15`)}\\n' ;;
--query-gpu*) printf '${lines(number => `${number}, 50, 1024`)}\\n' ;;
*) echo '| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |' ;;
esac
`
  const folder = await mkdtemp(join(tmpdir(), 'kaos-smi-'))
  const program = join(folder, 'nvidia-smi')
  await writeFile(program, script, { mode: 0o755 })
  const { PATH = '' } = process.env
  process.env.PATH = `${folder}:${PATH}`
  t.after(async () => {
    process.env.PATH = PATH
    await rm(folder, { recursive: true, force: true })
  })
  return program
}
