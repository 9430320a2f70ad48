import { HOSTILE_IDS } from '../../../support/hostile.ts'
import type { Client } from './client.ts'
import type { Stream } from './streams.ts'

/** One user of the model: known by its number, never by its id. */
export interface User {
  readonly number: number
  readonly id: string
  /** What comes last in the text of a message of theirs. */
  readonly tail: string
  /** Their connections, oldest first. */
  readonly clients: Client[]
  /** What they hold as such: the facts. */
  readonly holds: Set<Stream>
}

/** Ids that are the same, or begin the same key, where they are strung together or encoded without care. */
const ALIKE: readonly string[] = [
  'a', 'a:b', 'a%3Ab', 'a%253Ab', 'a:', ':a', 'a:b:ORDERS',
  'a:ORDERS', 'a:ORDERS:b', 'ORDERS', 'ORDERS:b', 'A', 'a ', 'a\0', 'a%', 'a%3', 'a%3A', 'a:b:c', 'b', 'null', 'undefined',
]

const NAMES: readonly string[] = [...new Set([...ALIKE, ...HOSTILE_IDS])]

/** How many users, the first ones, have a name to be confused. */
export const LOOKALIKES: number = NAMES.length

/** So many users, the first of them named to be confused. */
export function peopleOf(count: number): User[] {
  return Array.from({ length: count }, (_, number) => {
    const id = NAMES[number] ?? `user${number}`
    return { number, id, tail: `,"user_id":${JSON.stringify(id)}}`, clients: [], holds: new Set() }
  })
}

/** So many connection ids, the first of them those of users and keys. */
export function connectionIds(count: number): string[] {
  return Array.from({ length: count }, (_, number) => NAMES[number] ?? `connection${number}`)
}
