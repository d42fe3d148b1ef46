/** Readers of settings: from what was given to a value, or undefined for what is not allowed. */

export const whole = (from: number, to: number) => (text: string) => {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return number >= from && number <= to ? number : undefined
}

export const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string) =>
    words.find(word => word === text)
