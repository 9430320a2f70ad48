/** A set of places in a stream. Consecutive places that are added in order form one run, which takes as little memory as one place. */
export class Places {
  /** The first and the last place of each run, in order. */
  readonly #runs: [first: number, last: number][] = []

  has(place: number): boolean {
    const newest = this.#runs.at(-1)?.[1] ?? 0
    return place <= newest && this.#runs.some(([first, last]) => first <= place && place <= last)
  }

  add(place: number): void {
    const end = this.#runs.at(-1)
    if (end?.[1] === place - 1) end[1] = place
    else if (end === undefined || place > end[1]) this.#runs.push([place, place])
    else this.#insert(place)
  }

  /** Forgets each run that ends before this place. */
  forgetBefore(place: number): void {
    const kept = this.#runs.findIndex(([, last]) => last >= place)
    this.#runs.splice(0, kept === -1 ? this.#runs.length : kept)
  }

  /** How many runs there are. */
  get runCount(): number {
    return this.#runs.length
  }

  #insert(place: number): void {
    if (this.has(place)) return
    const at = this.#runs.findIndex(([first]) => first > place)
    this.#runs.splice(at, 0, [place, place])
  }
}
