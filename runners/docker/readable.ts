/* What a program wrote belongs to the user it ran as, and may be closed to others. A worker that is
 * not root opens it with a throw-away container of the same image, which sees nothing but the
 * output folder. */
import type Dockerode from 'dockerode'
import { OUT } from '../sandbox.ts'
import { type Engine, pause } from './engine.ts'

const MEMORY = 512 * 1024 * 1024
const WITHIN_MS = 10 * 60_000

/** Makes all below the container's output folder readable and removable for everybody. */
export async function openOutput(engine: Engine, ended: Dockerode.ContainerInspectInfo) {
  const folder = ended.Mounts.find(mount => mount.Destination === OUT)?.Source
  if (folder === undefined) return
  const container = await engine.docker.createContainer({
    Image: ended.Image,
    Entrypoint: ['chmod', '-R', 'a+rwX', OUT],
    Cmd: [],
    User: '0:0',
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Mounts: [{ Type: 'bind', Source: folder, Target: OUT, ReadOnly: false }],
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: ['DAC_OVERRIDE', 'FOWNER'],
      SecurityOpt: ['no-new-privileges:true'],
      PidsLimit: 64,
      Memory: MEMORY,
      MemorySwap: MEMORY,
    },
  })
  const over = new AbortController()
  try {
    await container.start()
    // The image's own chmod, which may be anything.
    await Promise.race([container.wait(), pause(WITHIN_MS, over.signal)])
  } finally {
    over.abort()
    await container.remove({ force: true, v: true })
  }
}
