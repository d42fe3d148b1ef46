/* Node's garbage collector, set for programs through which many bytes pass. Left alone, V8 collects
 * the whole heap each time some 20 MB of buffers came and went, which costs more than hashing them:
 * of a push of 1 GiB, half of the server's CPU time. */
import { setFlagsFromString } from 'node:v8'

/** Buffers count as a part of the heap, and not against a limit of their own; and the heap is collected
 * before it is half as large again as what is alive in it. Left alone V8 lets a small heap grow to four
 * times that, which here is buffers that nobody needs any more. To be called before they are made. */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--heap-growing-percent=50')
}

/** For whoever starts such a program: a small young generation is collected often and cheaply, and the
 * buffers in it are given back. */
export const HEAP_FLAGS: readonly string[] = ['--max-semi-space-size=2']
