/* Preloaded into every test file: what Node has compiled once is not compiled again, neither by the next
 * file nor by the programs that a test starts. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'node_modules', '.cache', 'kaos')
process.env.NODE_COMPILE_CACHE ??= folder
enableCompileCache(process.env.NODE_COMPILE_CACHE)
