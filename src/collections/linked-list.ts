/** The functions by which a linked list reads and changes the neighbours of a member. A member may keep its neighbours in private fields. */
export interface Links<TMember> {
  earlierOf(member: TMember): TMember | undefined
  laterOf(member: TMember): TMember | undefined
  setEarlier(member: TMember, earlier: TMember | undefined): void
  setLater(member: TMember, later: TMember | undefined): void
}

/**
 * Members in the order in which they were added. Each member knows its neighbours, and is in only one list.
 *
 * The list has no look-up table of its members. Keeping such a table would take a fifth of the time of beginning and ending a subscription. The cost
 * of removing a member does not depend on the length of the list.
 */
export class LinkedList<TMember> {
  readonly #links: Links<TMember>
  #first: TMember | undefined = undefined
  #last: TMember | undefined = undefined

  constructor(links: Links<TMember>) {
    this.#links = links
  }

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Adds a member at the end of the list. */
  add(member: TMember): void {
    this.#join(this.#last, member)
    this.#last = member
  }

  /** Removes a member. Afterwards, the member has no reference to its former neighbours. */
  remove(member: TMember): void {
    const earlier = this.#links.earlierOf(member)
    const later = this.#links.laterOf(member)
    this.#join(earlier, later)
    if (earlier !== undefined) this.#links.setEarlier(member, undefined)
    if (later !== undefined) this.#links.setLater(member, undefined)
  }

  *[Symbol.iterator](): Generator<TMember, undefined> {
    for (let member = this.#first; member !== undefined; member = this.#links.laterOf(member)) yield member
  }

  /** Makes two members neighbours. `undefined` stands for the end of the list on that side. */
  #join(earlier: TMember | undefined, later: TMember | undefined): void {
    if (earlier === undefined) this.#first = later
    else this.#links.setLater(earlier, later)
    if (later === undefined) this.#last = earlier
    else this.#links.setEarlier(later, earlier)
  }
}
