/* Trees and files over a store: what the server and the worker use, whatever the back end. */
export {
  Closure,
  Completed,
  type Extent,
  type Looking,
  objectsOf,
  requireComplete,
} from './closure.ts'
export {
  entriesOf,
  entryAt,
  FileReader,
  type FileRef,
  readFile,
  readSmallFile,
} from './contents.ts'
export { type Folder, type Item, putFolder } from './folders.ts'
export { fileFrames, treeFrames } from './frames.ts'
export { graft, type Making, putBytes, putTree } from './making.ts'
export { folderFrames, partFrames } from './parts.ts'
export { selectTree } from './selecting.ts'
export { type TreeFile, walkTree } from './walking.ts'
