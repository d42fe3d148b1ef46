import { openMemoryStore } from '../../store/memory.ts'
import { entriesOf, putFolder } from '../../store/trees.ts'
import { noise, streamOf } from './bytes.ts'

const abc = Buffer.from('abc')

/** file (900,000 bytes), model/train (3), model/again (as file), model/copy (as train). */
export async function sample() {
  const store = await openMemoryStore()
  const { digest: tree } = await putFolder(store, [
    { path: 'model/train', executable: true, content: abc },
    { path: 'file', content: noise(900_000, 1) },
    { path: 'model/copy', content: abc },
    { path: 'model/again', content: streamOf([noise(900_000, 1)]) },
  ])
  const [file, model] = await entriesOf(store, tree)
  return { store, tree, model: model!.digest, big: file!.digest }
}
