/** What must not be: the kind of thing it is, the details, and the words that bring it about again. */
export interface Fault {
  readonly kind: string
  readonly detail: string
  readonly again: string
}

const MOST_KINDS = 10

/** The faults of one run, each kind once. */
export class Faults {
  readonly #byKind = new Map<string, Fault>()
  /** How many there were, those of a known kind included. */
  count = 0

  add(fault: Fault): void {
    this.count++
    if (!this.#byKind.has(fault.kind)) this.#byKind.set(fault.kind, fault)
  }

  /** True when there is so much to see to that looking for more is no use. */
  get areEnough(): boolean {
    return this.#byKind.size >= MOST_KINDS
  }

  /** How many kinds of them are leaks. */
  get leaks(): number {
    return [...this.#byKind.keys()].filter((kind) => kind.startsWith('LEAK')).length
  }

  get lines(): string[] {
    return Array.from(this.#byKind.values(), ({ kind, detail, again }) => `FAULT  ${kind}\n${indented(detail)}\n  again: ${again}`)
  }
}

/** Names anything that was thrown, with where it came from; does not run any code of it. */
export function described(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}\n${thrown.stack ?? ''}`
    return typeof thrown === 'object' || typeof thrown === 'function' ? 'an object that is no Error' : String(thrown)
  } catch {
    return 'something that cannot be looked at'
  }
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
