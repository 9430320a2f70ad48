/** Prints the checks of a run, and counts the failed ones. */
export class Verdict {
  #failures = 0
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void = console.log) {
    this.#print = print
  }

  /** Prints a measurement, which is not checked. */
  note(line: string): void {
    this.#print(line)
  }

  /** Prints whether a check passed, and the details if it failed. */
  check(what: string, holds: boolean, details: readonly string[] = []): void {
    this.#print(`${holds ? 'ok    ' : 'FAILED'}  ${what}`)
    if (holds) return
    this.#failures++
    for (const detail of details) this.#print(`          ${detail}`)
  }

  /** Prints the last line, and returns the exit code. */
  conclude(command: string): 0 | 1 {
    if (this.#failures === 0) this.#print('\nAll checks passed.')
    else this.#print(`\n${this.#failures} checks failed. Reproduce: ${command}`)
    return this.#failures === 0 ? 0 : 1
  }
}
