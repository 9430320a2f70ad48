/** Waits for conditions, and looks at them whenever something has happened: no clock decides anything. */
export class Pulse {
  readonly #looks = new Set<() => void>()

  /** Resolves once a condition holds. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
      look()
    })
  }

  /** Something has happened. */
  beat(): void {
    for (const look of [...this.#looks]) look()
  }
}
