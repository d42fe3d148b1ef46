/* Trees and files over a store: what the server and the worker use, whatever the back end. */
export { type Extent, objectsOf, requireComplete } from './closure.ts'
export { entriesOf, entryAt, readFile, readSmallFile } from './contents.ts'
export { fileFrames, treeFrames } from './frames.ts'
export { graft, putBytes, putTree } from './making.ts'
