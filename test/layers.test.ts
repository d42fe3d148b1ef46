import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'node:test'

/* Who may import whom. ARCHITECTURE.md shows the same table. */
const MAY: Record<string, { rooms: string[]; packages: string[] }> = {
  api: { rooms: [], packages: ['typebox', '@opentelemetry/*'] },
  store: { rooms: ['api'], packages: ['minio'] },
  graph: {
    rooms: ['api'],
    packages: ['graphviz-wasm', 'neo4j-driver', 'pdfkit', 'dejavu-fonts-ttf', '@resvg/resvg-wasm'],
  },
  runners: {
    rooms: ['api', 'store'],
    packages: ['dockerode', '@kubernetes/client-node', 'tar-stream', 'ignore'],
  },
  server: {
    rooms: ['api', 'store', 'graph', 'runners'],
    packages: ['fastify', '@fastify/*', 'typebox', 'jose', 'bull', 'ioredis'],
  },
  cli: { rooms: ['api'], packages: ['@oclif/core', 'ignore', 'typebox', 'yaml'] },
}
/* Back ends that only main.ts may name; graph/drawing is a library of pure drawing. */
const BACK_ENDS =
  /^(store\/(filesystem|memory|s3)|graph\/(sqlite|neo4j)|runners\/(process|docker|kubernetes))/

const root = join(import.meta.dirname, '..')
const IMPORT =
  /^(?:import|export)\b(?:[^'"=;]*?\bfrom\s*)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(IMPORT)].map(match => match[1] ?? match[2] ?? '')
}

test('every import follows the table of layers', () => {
  const wrong: string[] = []
  for (const [room, may] of Object.entries(MAY)) {
    for (const file of globSync(`${room}/**/*.ts`, { cwd: root })) {
      for (const name of importsOf(file)) {
        if (name.startsWith('.')) {
          const target = relative(root, join(root, dirname(file), name))
          const other = target.split('/')[0] ?? ''
          if (other !== room && !may.rooms.includes(other)) wrong.push(`${file} -> ${target}`)
        } else if (!name.startsWith('node:')) {
          const allowed = may.packages.some(one =>
            one.endsWith('*')
              ? name.startsWith(one.slice(0, -1))
              : name === one || name.startsWith(`${one}/`),
          )
          if (!allowed) wrong.push(`${file} -> ${name}`)
        }
      }
    }
  }

  assert.deepEqual(wrong, [])
})

test('only the files that wire a process name a back end', () => {
  const wrong: string[] = []
  for (const file of globSync('{server,runners}/**/*.ts', { cwd: root })) {
    if (file.endsWith('/main.ts')) continue
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) continue
      const target = relative(root, join(root, dirname(file), name))
      const own = BACK_ENDS.exec(file)?.[0]
      const other = BACK_ENDS.exec(target)?.[0]
      if (other !== undefined && other !== own) wrong.push(`${file} -> ${target}`)
    }
  }

  assert.deepEqual(wrong, [])
})

test('every import is found, and names its extension', () => {
  const all = globSync('{api,store,graph,runners,server,cli}/**/*.ts', { cwd: root })
  const without = all.flatMap(file =>
    importsOf(file)
      .filter(name => name.startsWith('.') && !/\.(ts|json|mjs)$/.test(name))
      .map(name => `${file} -> ${name}`),
  )

  assert.ok(all.length > 20)
  assert.deepEqual(without, [])
})
