/* The log of a program: each line stamped with the time it began to come, at most LOG_MAX bytes in
 * all. Takes what a pipe brings, in pieces of any size; holds nothing back, so a line can be followed
 * while it is still being written, and memory does not grow with it. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { isDiskFull } from '../api/errors.ts'
import { LOG_MAX } from './runner.ts'

/** A line is broken after so many bytes. */
export const LINE_MAX = 32 * 1024
export const FULL = `the log is full (${LOG_MAX / 1024 / 1024} MiB): what came after was dropped\n`
export const MISSING = 'the disk was full: what came before this line is missing\n'
const NEWLINE = Buffer.from('\n')

/** `[YYYY-MM-DD HH:MM:SS] `, UTC. */
export function stampOf(now: Date): string {
  return `[${now.toISOString().slice(0, 19).replace('T', ' ')}] `
}

export class LogFile {
  readonly #file: number
  readonly #limit: number
  #size: number
  /** Bytes of the line that is being written; undefined at the start of one. */
  #line: number | undefined
  #full = false
  /** Something could not be written. */
  #missing = false
  #second = -1
  #stamp = Buffer.alloc(0)

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600)
    this.#size = fstatSync(this.#file).size
    this.#limit = LOG_MAX - stampOf(new Date(0)).length - FULL.length - 1
    this.#full = this.#size >= this.#limit
  }

  /** Bytes that are in the file. */
  get size(): number {
    return this.#size
  }

  /** One line, whole. */
  line(text: string): void {
    if (this.#line !== undefined) this.write(NEWLINE)
    this.write(Buffer.from(`${text.replaceAll('\n', ' ')}\n`))
  }

  write(bytes: Buffer): void {
    if (this.#full) return
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      if (this.#line === undefined) {
        pieces.push(this.#now())
        this.#line = 0
      }
      const end = this.#endOf(bytes, at)
      pieces.push(bytes.subarray(at, end))
      this.#line += end - at
      if (bytes[end - 1] === 10) this.#line = undefined
      else if (end < bytes.length || this.#line >= LINE_MAX) {
        pieces.push(NEWLINE)
        this.#line = undefined
      }
      at = end
    }
    this.#append(Buffer.concat(pieces))
  }

  /** Ends the last line and lets go of the file. Not synced: the server has it before it counts. */
  close(): void {
    if (this.#line !== undefined) this.write(NEWLINE)
    closeSync(this.#file)
  }

  /** Where the line that goes on at `at` ends, or must be broken: never inside a character. */
  #endOf(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline + 1
    let most = at + LINE_MAX - (this.#line ?? 0)
    if (end <= most) return end
    while (most > at + 1 && (bytes[most]! & 0xc0) === 0x80) most--
    // A newline that comes right after the break belongs to the broken line.
    return bytes[most] === 10 ? most + 1 : most
  }

  #append(bytes: Buffer): void {
    const room = this.#limit - this.#size
    if (bytes.length <= room) {
      this.#put(bytes)
      return
    }
    this.#full = true
    this.#put(bytes.subarray(0, room))
    const broken = room > 0 && bytes[room - 1] !== 10
    this.#put(Buffer.concat([Buffer.from(broken ? '\n' : ''), this.#now(), Buffer.from(FULL)]))
    this.#line = undefined
  }

  #put(bytes: Buffer): void {
    if (this.#missing) {
      // Once there is room again the reader is told that something is missing here.
      this.#missing = false
      this.#put(Buffer.concat([NEWLINE, this.#now(), Buffer.from(MISSING)]))
      if (this.#missing) return
    }
    try {
      for (let at = 0; at < bytes.length; ) {
        const written = writeSync(this.#file, bytes, at)
        at += written
        this.#size += written
      }
    } catch (error) {
      // A full disk costs a part of the log, not the program.
      if (!isDiskFull(error)) throw error
      this.#missing = true
    }
  }

  #now(): Buffer {
    const now = Date.now()
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#stamp = Buffer.from(stampOf(new Date(now)))
    }
    return this.#stamp
  }
}
