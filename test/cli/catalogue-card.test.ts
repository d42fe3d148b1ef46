import assert from 'node:assert/strict'
import test from 'node:test'
import { cardText } from '../../cli/catalogue/card.ts'

test('a README is shown as plain text', () => {
  const markdown = `---
license: apache-2.0
tags:
  - svm
---
<!-- a comment
     of two lines -->
# Digits  #
Some *stressed* and **strong** words, \`code\`, snake_case_names and 2 * 3 * 4.
![a plot](plot.png) See [the paper](https://example.com/a), <https://example.com>.
## Files
* one
  - two
***
\`\`\`sh
# not a heading
kaos data push .
\`\`\`
<details>More &amp; more</details>
`

  assert.equal(
    cardText(markdown),
    `Digits
======

Some stressed and strong words, code, snake_case_names and 2 * 3 * 4.
[a plot] See the paper (https://example.com/a), https://example.com.

Files
-----

- one
  - two
----------------------------------------
    # not a heading
    kaos data push .
More & more`,
  )
})

test('nothing of a README can move the cursor, and a long one is cut', () => {
  const wild = '\u{feff}a\x1b[2J\x1b]0;title\x07b\x08\x00\r\nc\x9b31m\td'
  const long = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')

  const text = cardText(wild)

  assert.doesNotMatch(text, /(?!\n)\p{Cc}/u)
  assert.match(text, /a.*b/s)
  assert.equal(cardText(long).split('\n').length, 400)
  assert.equal(cardText(''), '')
  assert.equal(cardText('```\nnever closed'), 'never closed')
})
