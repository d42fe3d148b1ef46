/* What Graphviz believes about widths. Without a font system it takes the widths of Times from its
 * own table, in thousandths of an em, and counts each byte outside ASCII as a blank. Knowing the
 * same lets us add blanks until a label's room fits the face that will really draw it, and tells
 * where a line of the layout was meant to end. */
const FROM_BLANK = [
  250, 333, 408, 500, 500, 833, 778, 333, 333, 333, 500, 564, 250, 564, 250, 278, 500, 500, 500,
  500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611,
  556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722,
  722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500,
  278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
]
export const BLANK_EM = 0.25

/** Width in points that Graphviz takes a text in Times to have. */
export function laidOutWidth(text: string, sizePt: number): number {
  let thousandths = 0
  for (const byte of Buffer.from(text.replaceAll('\u00a0', ' '))) {
    thousandths += FROM_BLANK[byte - 32] ?? 1000 * BLANK_EM
  }
  return (thousandths / 1000) * sizePt
}
