import { Queue } from '../../collections/queue.ts'

/** The identity of a message. No other message of the same stream type and symbol has the same identity. */
export type MessageIdentity = string | number

/**
 * One stream: a stream type, a symbol if it has one, and the user of a private stream. If several publishers share a stream, the messages of each
 * publisher count as a separate stream.
 */
export interface AuditedStream {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
  /**
   * The publisher that the test named. `undefined` if the test named none, and for every `latest` stream, because a message of a `latest` stream
   * replaces the messages of all publishers.
   */
  readonly publisher: string | undefined
}

/** A message that was published. */
export interface Publication extends AuditedStream {
  readonly identity: MessageIdentity
  /** The publisher that the test named, for a `latest` stream too. `undefined` if the test named none. */
  readonly source: string | undefined
  /** The step at which the message was published. */
  readonly step: number
  /** The message's place in its stream: 1, 2, 3 and so on. */
  readonly place: number
  /** Clients that must not get the message. */
  readonly except: ReadonlySet<string>
  /** The only recipients, subscribed or not. `undefined` if the message is for all subscribers. */
  readonly to: ReadonlySet<string> | undefined
}

/** The remembered publications of one stream. */
export interface StreamLog extends AuditedStream {
  /** The place of the last publication. */
  lastPlace: number
  readonly publications: Queue<Publication>
}

/** The last publications of all streams. If there are more publications than the maximum, the oldest of all is forgotten. */
export class Publications {
  /** The step of the newest forgotten publication, or `0` if none was forgotten. */
  forgottenStep = 0
  readonly #most: number
  readonly #all = new Queue<Publication>()
  #count = 0
  /** Stream type, symbol and identity → publication. The user is not part of the key, so that a message to a wrong user is recognised. */
  readonly #byIdentity = new Map<string, Publication>()
  /** Stream type → key of the stream → log of the stream. */
  readonly #byType = new Map<string, Map<string, StreamLog>>()

  constructor(most: number) {
    this.#most = most
  }

  find(streamType: string, symbol: string | undefined, identity: MessageIdentity): Publication | undefined {
    return this.#byIdentity.get(JSON.stringify([streamType, symbol, identity]))
  }

  /** Adds the next publication of a stream. */
  add(publication: Omit<Publication, 'place'>): Publication {
    const log = this.#logOf(publication)
    const added = { ...publication, place: ++log.lastPlace }
    log.publications.push(added)
    this.#all.push(added)
    this.#byIdentity.set(identityKey(added), added)
    if (++this.#count > this.#most) this.#forgetOldest()
    return added
  }

  /** Iterates over the streams of a type. With a symbol, iterates only over the streams with this symbol. */
  *streams(streamType: string, symbol: string | undefined): Generator<StreamLog, undefined> {
    for (const log of this.#byType.get(streamType)?.values() ?? []) if (symbol === undefined || log.symbol === symbol) yield log
  }

  #logOf({ streamType, symbol, userId, publisher }: AuditedStream): StreamLog {
    let logs = this.#byType.get(streamType)
    if (logs === undefined) this.#byType.set(streamType, (logs = new Map()))
    const key = keyOf({ streamType, symbol, userId, publisher })
    let log = logs.get(key)
    if (log === undefined) logs.set(key, (log = { streamType, symbol, userId, publisher, lastPlace: 0, publications: new Queue() }))
    return log
  }

  #forgetOldest(): void {
    const oldest = this.#all.shift() as Publication
    this.#count--
    this.#byIdentity.delete(identityKey(oldest))
    this.#logOf(oldest).publications.shift()
    this.forgottenStep = oldest.step
  }
}

/** Returns the key of a stream. No other stream has the same key. */
export function keyOf({ streamType, symbol, userId, publisher }: AuditedStream): string {
  return JSON.stringify([streamType, symbol, userId, publisher])
}

function identityKey({ streamType, symbol, identity }: Publication): string {
  return JSON.stringify([streamType, symbol, identity])
}
