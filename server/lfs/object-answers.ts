/* What git-lfs asks about objects: the batch, their bytes, whether they arrived. */
import { KaosError } from '../../api/errors.ts'
import type { Store } from '../../store/store.ts'
import { authorize } from '../authorize.ts'
import type { Settings } from '../parts.ts'
import { serverUrl } from '../remotes/address.ts'
import { arriving, bodyOf, sendBlob } from '../remotes/answers.ts'
import { blobOf } from '../remotes/objects.ts'
import { batch } from './batch.ts'
import { type Answers, told } from './call.ts'
import type { Lfs } from './lfs.ts'
import { BatchRequest, reading, VerifyRequest } from './wire.ts'

const readBatch = reading(BatchRequest)
const readVerify = reading(VerifyRequest)

export function objectAnswers(lfs: Lfs, store: Store, settings: Settings) {
  const get: Answers = {
    async object({ remote, request, reply }, oid) {
      const { object } = await lfs.objects.look(remote, oid)
      if (object === undefined) throw absent(oid)
      return sendBlob(request, reply, blobOf(store, object), oid)
    },
  }
  const put: Answers = {
    async object({ remote, request, reply }, oid) {
      const isNew = await lfs.take(request.actor, remote, oid, arriving(request))
      return reply.code(isNew ? 201 : 200).send()
    },
  }
  const post: Answers = {
    async batch({ remote, location, request, reply }) {
      const asked = await readBatch(bodyOf(request))
      if (asked.operation === 'upload') authorize(request.actor, 'write', {})
      const base = `${serverUrl(settings, request)}/lfs/${location.workspace}/${remote.repository}`
      return told(reply, 200, await batch(lfs.objects, remote, base, asked))
    },
    async verify({ remote, request, reply }, oid) {
      const { size } = await readVerify(bodyOf(request))
      const { object } = await lfs.objects.look(remote, oid)
      if (object === undefined) throw absent(oid)
      if (object.size === size) return told(reply, 200, {})
      const message = `${oid} has ${object.size} bytes, not ${size}; push it again`
      throw new KaosError('DIGEST_MISMATCH', message)
    },
  }
  return { get, put, post }
}

function absent(oid: string): KaosError {
  const next = 'push it from where it is: git lfs push --all'
  return new KaosError('NOT_FOUND', `the object ${oid} is not here; ${next}`)
}
