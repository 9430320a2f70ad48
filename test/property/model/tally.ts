/** What was done and seen, over all sequences. */
export class Tally {
  sequences = 0
  operations = 0
  publishes = 0
  deliveries = 0
  readonly #accepted = new Map<string, number>()
  readonly #refused = new Map<string, number>()
  readonly #behaviours = new Map<string, number>()
  readonly #nested = new Map<string, number>()

  noteAccepted(call: string): void {
    count(this.#accepted, call)
  }

  noteRefused(call: string, code: string): void {
    count(this.#refused, `${call} ${code}`)
  }

  /** A hook did something other than well, or more than was asked of it. */
  noteBehaviour(hook: string, answer: string): void {
    count(this.#behaviours, `${hook} ${answer}`)
  }

  /** A hook called the manager. */
  noteNested(hook: string, call: string): void {
    count(this.#nested, `${hook} → ${call}`)
  }

  get accepted(): readonly [what: string, times: number][] {
    return sorted(this.#accepted)
  }

  get refused(): readonly [what: string, times: number][] {
    return sorted(this.#refused)
  }

  get behaviours(): readonly [what: string, times: number][] {
    return sorted(this.#behaviours)
  }

  get nested(): readonly [what: string, times: number][] {
    return sorted(this.#nested)
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
}
