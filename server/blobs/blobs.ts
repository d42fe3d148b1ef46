/** Blobs: bytes that tools of other makers name by a plain hash. */
export { type Blob, entryBlob, fileBlob, hashesOf, readRange } from './blob.ts'
export type { HashName } from './pieces.ts'
export {
  type BlobRecord,
  blobAt,
  blobKey,
  blobRemoval,
  blobWrites,
  examineFile,
  type Found,
  isBlobDigest,
  isSoundFile,
  layoutPath,
  type Reading,
  repositoriesWith,
  type Views,
} from './records.ts'
export { type BlobOrder, type BlobParts, type TakenBlob, takeBlob } from './take.ts'
