/**
 * A set of zero or more members, in the order in which they were added. Each change returns the changed set, and the owner stores it in a field.
 *
 * A `Map` or a `Set` takes 240 bytes even with one entry, and most users have one connection. So a single member is stored without a container. A few
 * members are in an array, which is never changed in place. Only many members are in a `Map`, which is changed in place.
 */
export type SmallSet<TKey, TMember extends object> = undefined | TMember | readonly TMember[] | Map<TKey, TMember>

/** An array has at most this many members. A look-up in such a short array takes no longer than in a `Map`. */
const MOST_IN_ARRAY = 16
/**
 * A `Map` that has shrunk to this many members becomes an array. This limit is lower than `MOST_IN_ARRAY`, so that a set near one of the limits is
 * not copied at each change.
 */
const FEWEST_IN_MAP = 8

/** Returns the number of members. */
export function countOf<TKey>(set: SmallSet<TKey, object>): number {
  if (set === undefined) return 0
  if (set instanceof Map) return set.size
  return set instanceof Array ? set.length : 1
}

/** Returns an array of the present members, in order. Later changes of the set do not change this array. */
export function membersOf<TKey, TMember extends object>(set: SmallSet<TKey, TMember>): readonly TMember[] {
  if (set === undefined) return []
  if (set instanceof Map) return [...set.values()]
  return set instanceof Array ? set : [set]
}

/** The operations on small sets in which each member has a key. The key of a member never changes. */
export class SmallSetBy<TKey, TMember extends object> {
  readonly #keyOf: (member: TMember) => TKey

  constructor(keyOf: (member: TMember) => TKey) {
    this.#keyOf = keyOf
  }

  find(set: SmallSet<TKey, TMember>, key: TKey): TMember | undefined {
    if (set === undefined) return undefined
    if (set instanceof Map) return set.get(key)
    if (!(set instanceof Array)) return this.#keyOf(set) === key ? set : undefined
    for (const member of set) if (this.#keyOf(member) === key) return member
    return undefined
  }

  /** Returns the set with one more member. No member of the set may have the same key already. */
  including(set: SmallSet<TKey, TMember>, member: TMember): SmallSet<TKey, TMember> {
    if (set === undefined) return member
    if (set instanceof Map) return set.set(this.#keyOf(member), member)
    if (!(set instanceof Array)) return [set, member]
    if (set.length < MOST_IN_ARRAY) return withOneMore(set, member)
    return new Map([...set, member].map((each) => [this.#keyOf(each), each]))
  }

  /**
   * Returns the same members as `including`. If `other` is an array of exactly these members, returns `other`, so that two fields share one array.
   */
  includingAlike(set: SmallSet<TKey, TMember>, member: TMember, other: SmallSet<TKey, TMember>): SmallSet<TKey, TMember> {
    return other instanceof Array && areJust(other, membersOf(set), member) ? other : this.including(set, member)
  }

  /** Returns the set without this member. If the set does not have the member, its members stay the same. */
  without(set: SmallSet<TKey, TMember>, member: TMember): SmallSet<TKey, TMember> {
    if (set === member) return undefined
    if (set instanceof Map) {
      set.delete(this.#keyOf(member))
      return set.size > FEWEST_IN_MAP ? set : [...set.values()]
    }
    return set instanceof Array ? withoutOne(set, member) : set
  }
}

/**
 * Returns a copy with one more member and no unused places. `push` and `[...set, member]` would reserve 16 unused places.
 *
 * For ten members, this loop takes 20 ns, and `concat` would take 150 ns.
 */
function withOneMore<TMember>(members: readonly TMember[], member: TMember): TMember[] {
  const longer = new Array<TMember>(members.length + 1)
  longer[members.length] = member
  for (let i = 0; i < members.length; i++) longer[i] = members[i] as TMember
  return longer
}

/** True if `all` consists of the members of `some`, in the same order, followed by `oneMore`. */
function areJust<TMember>(all: readonly TMember[], some: readonly TMember[], oneMore: TMember): boolean {
  if (all.length !== some.length + 1) return false
  for (let i = 0; i < some.length; i++) if (all[i] !== some[i]) return false
  return all[some.length] === oneMore
}

function withoutOne<TMember extends object>(members: readonly TMember[], member: TMember): TMember | readonly TMember[] | undefined {
  const place = members.indexOf(member)
  if (place === -1) return members
  if (members.length === 2) return members[1 - place]
  const shorter = new Array<TMember>(members.length - 1)
  for (let i = 0; i < shorter.length; i++) shorter[i] = members[i < place ? i : i + 1] as TMember
  return shorter
}
