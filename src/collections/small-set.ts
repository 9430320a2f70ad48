/**
 * None, one, or more of what belongs to somebody, in the order in which they came: the value of a field, to be replaced by what
 * `FewBy` returns.
 *
 * A `Map` or a `Set` takes 240 bytes before its second entry, and most users have one connection, most subscriptions one seat. So one
 * needs no container at all, some share an array that is never changed in place, and only many are kept in a `Map`.
 */
export type Few<TKey, TMember extends object> = undefined | TMember | readonly TMember[] | Map<TKey, TMember>

/** As many lie in an array; a look-up among these takes no longer than one in a `Map`. */
const MOST_IN_ARRAY = 16
/** As many go back into an array: so few that who comes and goes at the limit does not copy them every time. */
const FEWEST_IN_MAP = 8

/** How many there are. */
export function countOf<TKey>(few: Few<TKey, object>): number {
  if (few === undefined) return 0
  if (few instanceof Map) return few.size
  return few instanceof Array ? few.length : 1
}

/** The members, in the order in which they came, as they are now: whoever comes or goes meanwhile changes nothing in it. */
export function membersOf<TKey, TMember extends object>(few: Few<TKey, TMember>): readonly TMember[] {
  if (few === undefined) return []
  if (few instanceof Map) return [...few.values()]
  return few instanceof Array ? few : [few]
}

/** How to find one of a few, and to have one more or one less of them. Each member has a key of its own that stays. */
export class FewBy<TKey, TMember extends object> {
  readonly #keyOf: (member: TMember) => TKey

  constructor(keyOf: (member: TMember) => TKey) {
    this.#keyOf = keyOf
  }

  find(few: Few<TKey, TMember>, key: TKey): TMember | undefined {
    if (few === undefined) return undefined
    if (few instanceof Map) return few.get(key)
    if (!(few instanceof Array)) return this.#keyOf(few) === key ? few : undefined
    for (const member of few) if (this.#keyOf(member) === key) return member
    return undefined
  }

  /** These and, as the last one, a member whose key none of them has. */
  including(few: Few<TKey, TMember>, member: TMember): Few<TKey, TMember> {
    if (few === undefined) return member
    if (few instanceof Map) return few.set(this.#keyOf(member), member)
    if (!(few instanceof Array)) return [few, member]
    if (few.length < MOST_IN_ARRAY) return withOneMore(few, member)
    return new Map([...few, member].map((each) => [this.#keyOf(each), each]))
  }

  /** As `including`; where others are just these, in an array, that array itself: none is changed in place, so that two can share it. */
  includingAlike(few: Few<TKey, TMember>, member: TMember, others: Few<TKey, TMember>): Few<TKey, TMember> {
    return others instanceof Array && areJust(others, membersOf(few), member) ? others : this.including(few, member)
  }

  /** These without a member, if it is one of them. */
  without(few: Few<TKey, TMember>, member: TMember): Few<TKey, TMember> {
    if (few === member) return undefined
    if (few instanceof Map) {
      few.delete(this.#keyOf(member))
      return few.size > FEWEST_IN_MAP ? few : [...few.values()]
    }
    return few instanceof Array ? withoutOne(few, member) : few
  }
}

/**
 * A copy that is as long as it needs to be, where `push` and `[...few, member]` would reserve sixteen places more.
 *
 * By hand: of ten members, `concat` takes 150 ns for what takes 20 here.
 */
function withOneMore<TMember>(few: readonly TMember[], member: TMember): TMember[] {
  const longer = new Array<TMember>(few.length + 1)
  longer[few.length] = member
  for (let i = 0; i < few.length; i++) longer[i] = few[i] as TMember
  return longer
}

/** Whether all there are is some, and one more. */
function areJust<TMember>(all: readonly TMember[], some: readonly TMember[], oneMore: TMember): boolean {
  if (all.length !== some.length + 1) return false
  for (let i = 0; i < some.length; i++) if (all[i] !== some[i]) return false
  return all[some.length] === oneMore
}

function withoutOne<TMember extends object>(few: readonly TMember[], member: TMember): TMember | readonly TMember[] | undefined {
  const place = few.indexOf(member)
  if (place === -1) return few
  if (few.length === 2) return few[1 - place]
  const shorter = new Array<TMember>(few.length - 1)
  for (let i = 0; i < shorter.length; i++) shorter[i] = few[i < place ? i : i + 1] as TMember
  return shorter
}
