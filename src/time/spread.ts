/** The fractional parts of the multiples of the golden ratio are evenly spread, however many of them are taken. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/** Numbers from 0 to 1 that are evenly spread, however many are taken. Unlike random numbers, they do not form clusters. */
export class Spread {
  #taken = 0

  next(): number {
    return (++this.#taken * GOLDEN_RATIO) % 1
  }
}
