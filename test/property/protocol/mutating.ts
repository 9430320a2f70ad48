import type { Dice } from '../../support/dice.ts'

const PIECES = ['"', '{', '}', '[', ']', ',', ':', '\\', 'null', 'true', '-1', '1e999', '1.5', '0', '""', '{}', '[]', '\u0000', '\ud800', '"__proto__":{}', '"id":9', '"command":"ping"', 'x'.repeat(2_000)]

/** Breaks a text a little: it may still be a command. */
export function mutated(text: string, dice: Dice): string {
  const at = dice.below(text.length + 1)
  const to = Math.min(text.length, at + 1 + dice.below(8))
  switch (dice.below(5)) {
    case 0:
      return text.slice(0, at) + text.slice(to)
    case 1:
      return text.slice(0, at) + dice.pick(PIECES) + text.slice(at)
    case 2:
      return text.slice(0, at) + dice.pick(PIECES) + text.slice(to)
    case 3:
      return text.slice(0, at)
    default:
      return text.slice(0, at) + text.slice(at, to) + text.slice(at)
  }
}
