/* The transfer protocol: how folders get into and out of the store, for the CLI and the worker alike.
 * Paths are below a base: `/api/v1/workspaces/:ws/uploads/:upload` (CLI) or
 * `/api/v1/attempts/:attempt` (worker).
 *
 *   POST have      body: n x 32 raw digest bytes, n <= HAVE_MAX; answer: n bytes, 1 here, 0 missing.
 *                  "Here" is said only of what the caller could read anyway, or has sent itself.
 *   POST objects   body: frames, at most BATCH_MAX bytes and OBJECTS_MAX objects; answer {"objects": n}.
 *                  When it is answered all are durable. Objects that came before are no error.
 *   GET  trees/:digest   (worker)  |  GET /api/v1/workspaces/:ws/entities/:id/content  (CLI)
 *                  answer: frames, type FRAMES_TYPE, in walk order: the tree, then its segments in the
 *                  order in which it names them, then for each entry in the tree's order: of a file
 *                  its list, then its chunks; of a small file nothing, it came with a segment; of a
 *                  folder the same again.
 *                  The reader knows each object's digest before it comes and checks it. A stream
 *                  that ends early was cut: throw away and ask again.
 *
 *                  In parts, for who has some of it (worker; api/transfer/parts.ts has the order):
 *   GET  trees/:digest/folders   the trees alone, equal ones once
 *   POST trees/:digest/parts     body: n x 32 raw digest bytes, n <= PARTS_MAX; answer: of each
 *                  different folder the wanted segments, then the wanted files (list and chunks), what
 *                  came before not again. What is not this tree's does not come.
 *
 *                  With `path` (CLI; a pattern, several times) only the files that fit: header kaos-tree
 *                  names the tree that comes.
 *
 * Frame: u32 length (big-endian), then so many bytes: one object. */

export const FRAMES_TYPE = 'application/vnd.kaos.frames'
/** Header of an answer: digest of the tree that it brings. */
export const TREE_HEADER = 'kaos-tree'
export const HAVE_MAX = 8192
/** Parts of a tree that are asked for at once. */
export const PARTS_MAX = 65_536
/** Objects of one `objects` body: each costs its receiver more than its bytes. */
export const OBJECTS_MAX = 65_536
/** Bytes of one `objects` body. */
export const BATCH_MAX = 16 * 1024 * 1024 + 64 * 1024 * 1024

/** Folders within folders, at most: no path is so deep that a system could not open it. */
export const DEPTH_MAX = 512

export function frameHeader(length: number): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return header
}
