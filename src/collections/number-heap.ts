/** A binary heap of numbers. Reading the smallest number takes constant time. */
export class NumberHeap {
  /** No number is smaller than its parent. The parent of the number at index `i` is at index `(i - 1) >> 1`. */
  readonly #numbers: number[] = []

  /** The smallest number, or `Infinity` if there is none. */
  get smallest(): number {
    return this.#at(0)
  }

  add(number: number): void {
    const numbers = this.#numbers
    let at = numbers.push(number) - 1
    for (let parent = (at - 1) >> 1; at > 0 && this.#at(parent) > number; parent = (at - 1) >> 1) {
      numbers[at] = this.#at(parent)
      at = parent
    }
    numbers[at] = number
  }

  removeSmallest(): void {
    const numbers = this.#numbers
    const number = numbers.pop()
    if (number === undefined || numbers.length === 0) return
    let at = 0
    for (let child = this.#smallerChildOf(0); this.#at(child) < number; child = this.#smallerChildOf(at)) {
      numbers[at] = this.#at(child)
      at = child
    }
    numbers[at] = number
  }

  clear(): void {
    this.#numbers.length = 0
  }

  #at(index: number): number {
    return this.#numbers[index] ?? Infinity
  }

  #smallerChildOf(parent: number): number {
    const [left, right] = [2 * parent + 1, 2 * parent + 2]
    return this.#at(right) < this.#at(left) ? right : left
  }
}
