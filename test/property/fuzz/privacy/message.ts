import type { Client } from './client.ts'
import type { User } from './people.ts'
import type { Stream } from './streams.ts'

/** Whom a message is for: the subscribers of its stream, or whomever it is addressed to. */
export type Address = 'subscribers' | 'everybody' | { readonly user: User } | { readonly client: Client }

const NOBODY: readonly Client[] = []

/** A notice of the host, by its number: whose it is, if it is about a private stream. */
export interface Told {
  readonly owner: User | undefined
  /** The private stream whose status a newcomer is told: nothing says whose it is. */
  readonly status: Stream | undefined
}

/** One message of the model. Its number is its data, by which it is known wherever it arrives. */
export class Message {
  readonly number: number
  readonly stream: Stream
  /** Whose it is, if it is private. */
  readonly owner: User | undefined
  readonly address: Address
  /** Whether it waits for another delivery to end. */
  isDeferred = false
  /** When its delivery began: slots that were added later are no reason to get it. */
  begunAt = NaN
  recipients: readonly Client[] = NOBODY
  /** How many it had, when its delivery began. */
  matched = 0
  /** Those that it leaves out. */
  readonly except = new Set<Client>()
  /** Before its turn has come it was revoked, for everybody or for some, or a connection was given to a user who may not have it. */
  #excluded: Set<User | Client | 'everybody'> | undefined

  constructor(number: number, stream: Stream, owner: User | undefined, address: Address) {
    this.number = number
    this.stream = stream
    this.owner = owner
    this.address = address
  }

  /** Its delivery is over: who was to get it is of no interest any more. */
  rest(): void {
    this.recipients = NOBODY
  }

  exclude(from: User | Client | 'everybody'): void {
    this.#excluded ??= new Set()
    this.#excluded.add(from)
  }

  excludes(client: Client): boolean {
    const excluded = this.#excluded
    return excluded !== undefined && (excluded.has(client) || excluded.has(client.user) || excluded.has('everybody'))
  }
}

/** A text of the host's own, as it is sent: it names whom it is for. */
export function ownText({ number, owner, address }: Message): string {
  const id = typeof address === 'object' && 'client' in address ? address.client.id : ''
  return `{"text":${number},"for":${JSON.stringify(id)}${owner?.tail}`
}

/** What a recorder has for those whom a message leaves out. */
export function skipText({ number, owner }: Message): string {
  return `{"skip":${number}${owner?.tail ?? ',"user_id":null}'}`
}

/** Says in words which message it is, at whose connection. */
export function describe({ number, stream, owner, address }: Message, { id, temper, user }: Client): string {
  const whose = owner === undefined ? 'a public message' : `a message of ${JSON.stringify(owner.id)}`
  const how = typeof address === 'string' ? `for ${address}` : 'addressed'
  return `message ${number}, ${whose} of ${stream.head}…, ${how}, at connection ${JSON.stringify(id)} (${temper.name}) of ${JSON.stringify(user.id)}`
}
