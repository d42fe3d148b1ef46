/* What is inside an image: its interpreter, its packages, its system. Asked of the image itself, in
 * a throw-away container without a network. Best effort: an image need not have a Python. */
import type { Environment } from '../../api/attempts.ts'
import { type Engine, pause } from './engine.ts'
import { framesOf } from './frames.ts'

const ANSWER_WITHIN_MS = 60_000
const ANSWER_MAX = 4 * 1024 * 1024
const MEMORY = 512 * 1024 * 1024

/* importlib.metadata lists what pip freeze does, and needs no pip. */
const QUESTION = `
import json, platform, sys
answer = {"python": platform.python_version(), "interpreter": sys.executable}
try:
    from importlib import metadata
    found = {(d.metadata["Name"] or "").lower() + "==" + d.version for d in metadata.distributions()}
    answer["packages"] = sorted(found)
except Exception:
    pass
try:
    with open("/etc/os-release") as lines:
        pairs = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    answer["imageOs"] = pairs.get("PRETTY_NAME", "").strip('"')
except Exception:
    pass
print(json.dumps(answer))
`

/** Empty where the image cannot be asked. */
export async function insideOf(
  engine: Engine,
  image: string,
  signal: AbortSignal,
): Promise<Environment> {
  const container = await engine.docker
    .createContainer({
      Image: image,
      Entrypoint: ['python3', '-c', QUESTION],
      Cmd: [],
      Healthcheck: { Test: ['NONE'] },
      Labels: { 'kaos.probe': image },
      HostConfig: {
        NetworkMode: 'none',
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        Memory: MEMORY,
        MemorySwap: MEMORY,
        PidsLimit: 64,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '8m', 'max-file': '1' } },
      },
    })
    .catch(() => undefined)
  if (container === undefined) return {}
  const over = new AbortController()
  try {
    await container.start()
    const late = AbortSignal.any([signal, over.signal])
    await Promise.race([container.wait(), pause(ANSWER_WITHIN_MS, late)])
    return parsed(await outputOf(await container.logs({ follow: false, stdout: true })))
  } catch {
    return {}
  } finally {
    over.abort()
    await container.remove({ force: true, v: true }).catch(() => {})
  }
}

async function outputOf(log: Buffer): Promise<string> {
  const frames = framesOf()
  return [...frames.take(log)].map(frame => frame.bytes.toString('utf8')).join('')
}

/** The image's own word, so only what was asked for, and only in the form that was asked for. */
function parsed(text: string): Environment {
  if (text.length > ANSWER_MAX) return {}
  const answer = JSON.parse(text) as Record<string, unknown>
  const words = ['python', 'interpreter', 'imageOs'].filter(key => typeof answer[key] === 'string')
  const packages = Array.isArray(answer.packages) ? answer.packages.map(String) : undefined
  return {
    ...Object.fromEntries(words.map(key => [key, answer[key]])),
    ...(packages === undefined ? {} : { packages }),
  }
}
