/* The only file that knows resvg. Painting blocks its thread, so it has one of its own. The faces are
 * those of the PDF (fonts.ts); nothing of the host is looked at. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { initWasm, Resvg } from '@resvg/resvg-wasm'

const FACES = [
  ...['DejaVuSerifCondensed', 'DejaVuSerifCondensed-Bold', 'DejaVuSerifCondensed-Italic'],
  ...['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansMono'],
]
const fileOf = (name: string) => readFile(fileURLToPath(import.meta.resolve(name)))

const { svg, zoom } = workerData as { svg: string; zoom: number }
const [wasm, ...fontBuffers] = await Promise.all([
  fileOf('@resvg/resvg-wasm/index_bg.wasm'),
  ...FACES.map(face => fileOf(`dejavu-fonts-ttf/ttf/${face}.ttf`)),
])
await initWasm(wasm!)
const painted = new Resvg(svg, {
  background: '#ffffff',
  fitTo: { mode: 'zoom', value: zoom },
  font: {
    fontBuffers,
    defaultFontFamily: 'DejaVu Serif Condensed',
    serifFamily: 'DejaVu Serif Condensed',
    sansSerifFamily: 'DejaVu Sans',
    monospaceFamily: 'DejaVu Sans Mono',
  },
}).render()
parentPort?.postMessage(painted.asPng())
