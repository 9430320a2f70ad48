import type { Grammar, Part } from './grammar.ts'

/** The terms of JSON that the grammar names. */
const TERMS: Readonly<Record<string, RegExp>> = {
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  'whole number from 0 to 9007199254740991': /(?:0|[1-9]\d{0,15})(?!\d)/y,
}

/** True if all of a text matches a rule. */
export function matches(grammar: Grammar, rule: string, text: string): boolean {
  for (const end of ends(grammar, { kind: 'rule', name: rule }, text, 0)) if (end === text.length) return true
  return false
}

/** The places where a part that begins at a place may end. */
function* ends(grammar: Grammar, part: Part, text: string, at: number): Generator<number> {
  switch (part.kind) {
    case 'text':
      if (text.startsWith(part.text, at)) yield at + part.text.length
      return
    case 'term':
      yield* endsOfTerm(part.name, text, at)
      return
    case 'rule':
      yield* ends(grammar, grammar.get(part.name) as Part, text, at)
      return
    case 'one':
      for (const each of part.parts) yield* ends(grammar, each, text, at)
      return
    case 'all':
      yield* endsOfAll(grammar, part.parts, text, at)
      return
    case 'optional':
      yield* ends(grammar, part.part, text, at)
      yield at
      return
    case 'repeated':
      for (const end of ends(grammar, part.part, text, at)) yield* ends(grammar, part, text, end)
      yield at
  }
}

function* endsOfAll(grammar: Grammar, [first, ...rest]: readonly Part[], text: string, at: number): Generator<number> {
  if (first === undefined) return yield at
  for (const end of ends(grammar, first, text, at)) yield* endsOfAll(grammar, rest, text, end)
}

function* endsOfTerm(name: string, text: string, at: number): Generator<number> {
  const term = TERMS[name]
  if (term === undefined) throw new Error(`The grammar names an unknown term: ${name}`)
  term.lastIndex = at
  if (term.test(text)) yield term.lastIndex
}
