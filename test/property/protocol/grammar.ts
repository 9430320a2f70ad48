/** A part of a rule. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'term'; readonly name: string }
  | { readonly kind: 'all'; readonly parts: readonly Part[] }
  | { readonly kind: 'one'; readonly parts: readonly Part[] }
  | { readonly kind: 'optional' | 'repeated'; readonly part: Part }

/** The rules of a grammar, by name. */
export type Grammar = ReadonlyMap<string, Part>

const TOKEN = /\s*(?:(?<text>"[^"]*"|'[^']*')|(?<term>\?[^?]*\?)|(?<name>[A-Za-z]\w*)|(?<sign>[=|,;()[\]{}]))/y
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Reads the EBNF in a page: the only block of that kind. Throws if a rule is missing, or nothing but the first two use a rule. */
export function grammarIn(page: string): Grammar {
  const [, block] = /```ebnf\n([^]*?)```/.exec(page) ?? []
  if (block === undefined) throw new Error('The page has no block of EBNF')
  const grammar = new Reader(tokensIn(block)).rules()
  const used = new Set(Array.from(grammar.values()).flatMap(rulesIn))
  for (const name of used) if (!grammar.has(name)) throw new Error(`The grammar has no rule "${name}"`)
  for (const name of grammar.keys()) if (!used.has(name) && name !== 'input' && name !== 'frame') throw new Error(`No rule uses "${name}"`)
  return grammar
}

function tokensIn(block: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; block.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(block)
    if (found === null) throw new Error(`The grammar cannot be read from here: ${block.slice(at, at + 40)}`)
    tokens.push(found[0].trim())
  }
  return tokens
}

function rulesIn(part: Part): string[] {
  if (part.kind === 'rule') return [part.name]
  if (part.kind === 'all' || part.kind === 'one') return part.parts.flatMap(rulesIn)
  return part.kind === 'optional' || part.kind === 'repeated' ? rulesIn(part.part) : []
}

class Reader {
  readonly #tokens: string[]

  constructor(tokens: string[]) {
    this.#tokens = tokens
  }

  rules(): Map<string, Part> {
    const rules = new Map<string, Part>()
    while (this.#tokens.length > 0) {
      const name = this.#next()
      this.#expect('=')
      rules.set(name, this.#choice())
      this.#expect(';')
    }
    return rules
  }

  #choice(): Part {
    const parts = [this.#sequence()]
    while (this.#takes('|')) parts.push(this.#sequence())
    return parts.length === 1 ? (parts[0] as Part) : { kind: 'one', parts }
  }

  #sequence(): Part {
    const parts = [this.#part()]
    while (this.#takes(',')) parts.push(this.#part())
    return parts.length === 1 ? (parts[0] as Part) : { kind: 'all', parts }
  }

  #part(): Part {
    const token = this.#next()
    if (token.startsWith('"') || token.startsWith("'")) return { kind: 'text', text: token.slice(1, -1) }
    if (token.startsWith('?')) return { kind: 'term', name: token.slice(1, -1).trim() }
    const closing = CLOSING[token]
    if (closing === undefined) return { kind: 'rule', name: token }
    const part = this.#choice()
    this.#expect(closing)
    if (token === '(') return part
    return { kind: token === '[' ? 'optional' : 'repeated', part }
  }

  #takes(token: string): boolean {
    if (this.#tokens[0] !== token) return false
    this.#tokens.shift()
    return true
  }

  #expect(token: string): void {
    const next = this.#next()
    if (next !== token) throw new Error(`Expected ${token} in the grammar, got ${next}`)
  }

  #next(): string {
    const token = this.#tokens.shift()
    if (token === undefined) throw new Error('The grammar ends too early')
    return token
  }
}
