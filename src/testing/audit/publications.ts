import { Queue } from '../../collections/queue.ts'

/** What tells a message from all others of its stream type and symbol. */
export type MessageIdentity = string | number

/** One stream: a stream type, a symbol if it has one, and the user of a private stream. */
export interface AuditedStream {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
}

/** A message that was published. */
export interface Publication extends AuditedStream {
  readonly identity: MessageIdentity
  /** The step at which it was published. */
  readonly step: number
  /** Its place in its stream: 1, 2, 3 and so on. */
  readonly place: number
  /** Clients that were left out. */
  readonly except: ReadonlySet<string>
  /** The only clients that it is for, whatever they are subscribed to. `undefined` for the subscribers. */
  readonly to: ReadonlySet<string> | undefined
}

/** The publications of one stream that are remembered. */
export interface StreamLog extends AuditedStream {
  /** The place of the last publication. */
  lastPlace: number
  readonly publications: Queue<Publication>
}

/** The last publications of all streams. When there are too many, the oldest of all is forgotten. */
export class Publications {
  /** The step of the newest publication that is forgotten; `0` if none is. */
  forgottenStep = 0
  readonly #most: number
  readonly #all = new Queue<Publication>()
  #count = 0
  /** Stream type, symbol and identity → the publication. Without the user, so that a message that came to another user is recognised. */
  readonly #byIdentity = new Map<string, Publication>()
  /** Stream type → key of the stream → its log. */
  readonly #byType = new Map<string, Map<string, StreamLog>>()

  constructor(most: number) {
    this.#most = most
  }

  find(streamType: string, symbol: string | undefined, identity: MessageIdentity): Publication | undefined {
    return this.#byIdentity.get(JSON.stringify([streamType, symbol, identity]))
  }

  /** Adds a publication, which is the next one of its stream. */
  add(publication: Omit<Publication, 'place'>): Publication {
    const log = this.#logOf(publication)
    const added = { ...publication, place: ++log.lastPlace }
    log.publications.push(added)
    this.#all.push(added)
    this.#byIdentity.set(identityKey(added), added)
    if (++this.#count > this.#most) this.#forgetOldest()
    return added
  }

  /** Iterates over the streams of a type, or over those with this symbol. */
  *streams(streamType: string, symbol: string | undefined): Generator<StreamLog, undefined> {
    for (const log of this.#byType.get(streamType)?.values() ?? []) if (symbol === undefined || log.symbol === symbol) yield log
  }

  #logOf({ streamType, symbol, userId }: AuditedStream): StreamLog {
    let logs = this.#byType.get(streamType)
    if (logs === undefined) this.#byType.set(streamType, (logs = new Map()))
    const key = keyOf({ streamType, symbol, userId })
    let log = logs.get(key)
    if (log === undefined) logs.set(key, (log = { streamType, symbol, userId, lastPlace: 0, publications: new Queue() }))
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

/** Returns a text that no other stream has. */
export function keyOf({ streamType, symbol, userId }: AuditedStream): string {
  return JSON.stringify([streamType, symbol, userId])
}

function identityKey({ streamType, symbol, identity }: Publication): string {
  return JSON.stringify([streamType, symbol, identity])
}
