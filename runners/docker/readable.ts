/* What a program wrote belongs to the user it ran as, and may be closed to others. A worker that is
 * not root opens it with a throw-away container of the same image, which sees nothing but the
 * output folder. */
import type Dockerode from 'dockerode'
import type { Engine } from './engine.ts'
import { OUT } from './sandbox.ts'

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
    },
  })
  try {
    await container.start()
    await container.wait()
  } finally {
    await container.remove({ force: true, v: true })
  }
}
