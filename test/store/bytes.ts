/** Bytes that look random and are the same on every machine: an xorshift generator of 32 bits. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = Math.imul(seed, 0x9e3779b1) | 0 || 1
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state >>> 11
  }
  return bytes
}

/** These buffers, one after the other; then, if given, this error. */
export async function* streamOf(
  buffers: Iterable<Uint8Array>,
  error?: Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const buffer of buffers) {
    await Promise.resolve()
    yield buffer
  }
  if (error !== undefined) throw error
}
