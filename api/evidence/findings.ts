/** What a check says, in words for people. */
export interface Finding {
  /** `evidence`, `checkpoint`, `history`, `log`, `graph`, `signature`, `inputs`, `content`, … */
  readonly check: string
  /** `note`: nothing is wrong, but a reader should know. */
  readonly is: 'good' | 'note' | 'bad'
  readonly text: string
}

export interface Voucher {
  readonly who: string
  readonly what: string
}

/** Collects findings and voices. */
export class Findings {
  readonly all: Finding[] = []
  readonly vouchers: Voucher[] = []

  good(check: string, text: string): void {
    this.all.push({ check, is: 'good', text })
  }

  note(check: string, text: string): void {
    this.all.push({ check, is: 'note', text })
  }

  bad(check: string, text: string): void {
    this.all.push({ check, is: 'bad', text })
  }

  vouch(who: string, what: string): void {
    if (this.vouchers.some(one => one.who === who && one.what === what)) return
    this.vouchers.push({ who, what })
  }

  get isGood(): boolean {
    return this.all.every(({ is }) => is !== 'bad')
  }
}

/** `3 statements` */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
