import type { Dice } from '../../support/dice.ts'
import type { Grammar, Part } from './grammar.ts'

/** Makes the texts of some rules and terms itself, by their names. `undefined`: as the grammar says. */
export type Hints = (name: string) => string | undefined

const MOST_REPEATED = 4
/** From this depth on, the shortest way is taken. */
const DEEPEST = 8

/** Makes a text that matches a rule. */
export function generated(grammar: Grammar, rule: string, dice: Dice, hints: Hints): string {
  const make = (part: Part, depth: number): string => {
    switch (part.kind) {
      case 'text':
        return part.text
      case 'term':
        return hints(part.name) ?? fail(part.name)
      case 'rule':
        return hints(part.name) ?? make(grammar.get(part.name) as Part, depth + 1)
      case 'one':
        return make(depth > DEEPEST ? (part.parts.at(-1) as Part) : dice.pick(part.parts), depth)
      case 'all':
        return part.parts.map((each) => make(each, depth)).join('')
      case 'optional':
        return depth <= DEEPEST && dice.chance(0.6) ? make(part.part, depth) : ''
      case 'repeated':
        return depth > DEEPEST ? '' : Array.from({ length: dice.below(MOST_REPEATED) }, () => make(part.part, depth)).join('')
    }
  }
  return make({ kind: 'rule', name: rule }, 0)
}

function fail(name: string): never {
  throw new Error(`Nobody makes the term ${name}`)
}
