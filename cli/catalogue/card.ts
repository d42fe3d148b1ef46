/* A README as plain text for a terminal: what Markdown marks is shown as letters can show it, and
 * nothing of it can move the cursor. Not a parser of Markdown: a page that is plain enough to be a
 * card reads well, any other reads as it was written. */
import { stripVTControlCharacters } from 'node:util'

const LINES_MAX = 400

export function cardText(markdown: string): string {
  const lines: string[] = []
  let fenced = false
  for (const line of linesOf(markdown)) {
    if (/^\s*(```|~~~)/.test(line)) {
      fenced = !fenced
      continue
    }
    lines.push(...(fenced ? [`    ${line}`] : shown(line, lines)))
  }
  const text = lines.slice(0, LINES_MAX).join('\n')
  return text.replace(/\n{3,}/g, '\n\n').trim()
}

/** Without the front matter that catalogues of models put first, comments, and controls. */
function linesOf(markdown: string): string[] {
  return stripVTControlCharacters(markdown)
    .replaceAll('\r\n', '\n')
    .replace(/^\u{FEFF}?---\n[\s\S]*?\n(---|\.\.\.)\n/u, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replaceAll('\t', '    ')
    .replace(/(?!\n)\p{Cc}/gu, '\u{FFFD}')
    .split('\n')
}

/** A heading gets a line below it, as does one that was written so. */
function shown(line: string, before: readonly string[]): string[] {
  const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line)
  if (heading) {
    const text = inline(heading[2] ?? '')
    const under = (heading[1]?.length ?? 1) === 1 ? '=' : '-'
    const gap = before.length > 0 && before.at(-1) !== '' ? [''] : []
    return [...gap, text, under.repeat([...text].length), '']
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return ['-'.repeat(40)]
  const item = /^(\s*)[*+-]\s+(.*)$/.exec(line)
  return item ? [`${item[1]}- ${inline(item[2] ?? '')}`] : [inline(line)]
}

function inline(text: string): string {
  return text
    .replace(/!\[([^\]]*)\]\([^)]*\)/g, (_, alt) => (alt === '' ? '' : `[${alt}]`))
    .replace(/\[([^\]]+)\]\(([^)\s]+)[^)]*\)/g, (_, label, url) =>
      label === url ? url : `${label} (${url})`,
    )
    .replace(/<(https?:[^>]+)>/g, '$1')
    .replace(/<\/?[a-z][^>]*>/gi, '')
    .replace(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '$2')
    .replace(/(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])/g, '$1')
    .replace(/`([^`]+)`/g, '$1')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}
