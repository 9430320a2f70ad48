/** The connection from a broker to one of its nodes. */
export interface Line {
  readonly receive: (subject: string, text: string) => void
  /** The subjects that the node is subscribed to. Only the broker changes this set. */
  readonly subjects: Set<string>
}

/** Knows which lines are subscribed to each subject, and delivers a message to the lines of its subject. */
export class Broker {
  readonly #schedule: (deliver: () => void) => void
  /** Subject → the lines that are subscribed to the subject. */
  readonly #lines = new Map<string, Set<Line>>()

  constructor(schedule: (deliver: () => void) => void) {
    this.#schedule = schedule
  }

  publish(subject: string, text: string): void {
    for (const line of this.#lines.get(subject) ?? []) this.#schedule(() => this.#deliver(line, subject, text))
  }

  subscribe(line: Line, subjects: readonly string[]): void {
    for (const subject of subjects) {
      line.subjects.add(subject)
      const lines = this.#lines.get(subject) ?? new Set()
      this.#lines.set(subject, lines.add(line))
    }
  }

  unsubscribe(line: Line, subjects: readonly string[]): void {
    for (const subject of subjects) {
      line.subjects.delete(subject)
      const lines = this.#lines.get(subject)
      lines?.delete(line)
      if (lines?.size === 0) this.#lines.delete(subject)
    }
  }

  remove(line: Line): void {
    this.unsubscribe(line, [...line.subjects])
  }

  subscribers(subject: string): number {
    return this.#lines.get(subject)?.size ?? 0
  }

  #deliver(line: Line, subject: string, text: string): void {
    // It may have unsubscribed meanwhile.
    if (line.subjects.has(subject)) line.receive(subject, text)
  }
}
