/** What can be a link of one chain: it knows its neighbours. */
export interface Link<TLink> {
  earlier: TLink | undefined
  later: TLink | undefined
}

/**
 * Links in the order in which they were added.
 *
 * There is no table to look a link up in, which would be a fifth of what a subscription costs to begin and to end: each is taken out
 * from where it is, however long the chain.
 */
export class Chain<TLink extends Link<TLink>> {
  #first: TLink | undefined
  #last: TLink | undefined

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Adds a link that is in no chain, as the last one. */
  add(link: TLink): void {
    const last = this.#last
    if (last === undefined) this.#first = link
    else last.later = link
    link.earlier = last
    this.#last = link
  }

  /** Takes one of its links out. It forgets its neighbours: whoever keeps it keeps none of them. */
  delete(link: TLink): void {
    const { earlier, later } = link
    if (earlier === undefined) this.#first = later
    else earlier.later = later
    if (later === undefined) this.#last = earlier
    else later.earlier = earlier
    link.earlier = undefined
    link.later = undefined
  }

  *[Symbol.iterator](): Generator<TLink, undefined> {
    for (let link = this.#first; link !== undefined; link = link.later) yield link
  }
}
