#!/usr/bin/env node
/* The kaos command. Only the version of Node is looked at here, with nothing imported before, so that
 * an old Node says what is wrong and does not trip over newer syntax. */
const [major = 0] = process.versions.node.split('.').map(Number)

if (major < 24) {
  const next = 'install it from https://nodejs.org or with nvm install 24'
  console.error(`Error - kaos needs Node 24 or newer, this is ${process.versions.node}; ${next}`)
  process.exit(1)
}
const { enableCompileCache } = await import('node:module')
const { compileCache, environment } = await import('./config.ts')
enableCompileCache(compileCache(environment()))
const { countBuffersAsHeap } = await import('../api/heap.ts')
countBuffersAsHeap()
const { main } = await import('./main.ts')
process.exit(await main(process.argv.slice(2)))
