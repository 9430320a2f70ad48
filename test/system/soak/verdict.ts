/** What was checked, printed as it comes, and whether all of it held. */
export class Verdict {
  #failures = 0
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void = console.log) {
    this.#print = print
  }

  /** Prints what was measured, which nothing depends on. */
  note(line: string): void {
    this.#print(line)
  }

  /** Prints what held, or what did not, with what is known of it. */
  check(what: string, holds: boolean, details: readonly string[] = []): void {
    this.#print(`${holds ? 'ok    ' : 'FAILED'}  ${what}`)
    if (holds) return
    this.#failures++
    for (const detail of details) this.#print(`          ${detail}`)
  }

  /** Prints the last line, and returns the exit code. */
  conclude(command: string): 0 | 1 {
    if (this.#failures === 0) this.#print('\nEverything held.')
    else this.#print(`\n${this.#failures} checks failed. Again: ${command}`)
    return this.#failures === 0 ? 0 : 1
  }
}
