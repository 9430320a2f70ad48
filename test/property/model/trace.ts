/** What a sequence did, as lines that read like the test that it would be; nothing unless somebody wants to read it. */
export class Trace {
  readonly lines: string[] = []
  readonly #isWanted: boolean
  #indent = ''

  constructor(isWanted: boolean) {
    this.#isWanted = isWanted
  }

  say(line: () => string): void {
    if (this.#isWanted) this.lines.push(`${this.#indent}${line()}`)
  }

  /** Says what is within something else, indented. */
  within<TResult>(act: () => TResult): TResult {
    const indent = this.#indent
    this.#indent += '  '
    try {
      return act()
    } finally {
      this.#indent = indent
    }
  }
}

/** A value as one would write it. */
export function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value)
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  return fields.length === 0 ? '{}' : `{ ${fields.map(([name, each]) => `${name}: ${describe(each)}`).join(', ')} }`
}
