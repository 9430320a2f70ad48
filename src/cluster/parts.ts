/** A list in a frame has at most this many entries. */
const MOST_ENTRIES = 500

/** Splits a list into parts that fit into a frame. An empty list has no parts. */
export function partsOf<TEntry>(list: readonly TEntry[]): (readonly TEntry[])[] {
  const parts: (readonly TEntry[])[] = []
  for (let from = 0; from < list.length; from += MOST_ENTRIES) parts.push(list.slice(from, from + MOST_ENTRIES))
  return parts
}
