/* Drawings of provenance: a description becomes DOT, DOT becomes SVG, SVG becomes PDF or PNG. */
export { collapsed, type Picture } from './collapse.ts'
export { type LineageDrawing, lineageDot } from './lineage.ts'
export { type PdfOptions, svgToPdf } from './pdf.ts'
export { svgToPng } from './png.ts'
export {
  type PushDrawing,
  pushDot,
  type ServeDrawing,
  serveDot,
  type TrainDrawing,
  trainDot,
  type Used,
} from './provenance.ts'
export { type RenderOptions, render } from './render.ts'

/** What a drawing can be handed out as. */
export type Format = 'pdf' | 'svg' | 'png' | 'dot'
