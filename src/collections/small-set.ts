/**
 * No member, one, or several, in the order in which they were added. Each change returns the new value, which the owner stores in its field.
 *
 * A `Map` or a `Set` takes 240 bytes before its second entry, and most users have one connection. So one member needs no container, a few are in an
 * array that is never changed in place, and only many are in a `Map`.
 */
export type SmallSet<TKey, TMember extends object> = undefined | TMember | readonly TMember[] | Map<TKey, TMember>

/** A set of up to this many members is an array. There, a look-up takes no longer than in a `Map`. */
const MOST_IN_ARRAY = 16
/** A `Map` that has shrunk to this many members becomes an array. The gap keeps a set at the limit from being copied at each change. */
const FEWEST_IN_MAP = 8

/** Returns how many members there are. */
export function countOf<TKey>(set: SmallSet<TKey, object>): number {
  if (set === undefined) return 0
  if (set instanceof Map) return set.size
  return set instanceof Array ? set.length : 1
}

/** Returns the members as they are now, in order. Later changes do not show in the array. */
export function membersOf<TKey, TMember extends object>(set: SmallSet<TKey, TMember>): readonly TMember[] {
  if (set === undefined) return []
  if (set instanceof Map) return [...set.values()]
  return set instanceof Array ? set : [set]
}

/** The operations on small sets whose members have a key each. A member keeps its key. */
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

  /** Returns the set with one more member, whose key is new to it. */
  including(set: SmallSet<TKey, TMember>, member: TMember): SmallSet<TKey, TMember> {
    if (set === undefined) return member
    if (set instanceof Map) return set.set(this.#keyOf(member), member)
    if (!(set instanceof Array)) return [set, member]
    if (set.length < MOST_IN_ARRAY) return withOneMore(set, member)
    return new Map([...set, member].map((each) => [this.#keyOf(each), each]))
  }

  /** Does the same as `including`. If `other` is an array of the same members, it returns that array, so that two fields share it. */
  includingAlike(set: SmallSet<TKey, TMember>, member: TMember, other: SmallSet<TKey, TMember>): SmallSet<TKey, TMember> {
    return other instanceof Array && areJust(other, membersOf(set), member) ? other : this.including(set, member)
  }

  /** Returns the set without this member. Nothing changes if the set does not have it. */
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
 * Returns a copy with one more member and no places to spare. `push` and `[...set, member]` would reserve 16 places more.
 *
 * Copies by hand, because `concat` takes 150 ns for ten members and this takes 20 ns.
 */
function withOneMore<TMember>(members: readonly TMember[], member: TMember): TMember[] {
  const longer = new Array<TMember>(members.length + 1)
  longer[members.length] = member
  for (let i = 0; i < members.length; i++) longer[i] = members[i] as TMember
  return longer
}

/** True if `all` has the members of `some` in their order, and then `oneMore`. */
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
