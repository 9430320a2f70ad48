import { isPrivate, keyOf, rulesOf, type Rules, type Stream } from './catalogue.ts'
import type { ConnectionFact, Facts, SubscriptionFact } from './facts.ts'

/**
 * A `text` is one of the host's own, by a connection's handle. A `notice` is what is told to several connections in the same way. A `skip` is what a
 * recorder has for those whom a message left out, in its place.
 */
export type Way = 'publish' | 'sendToUser' | 'sendToConnection' | 'broadcast' | 'text' | 'notice' | 'skip'

/** What has become of one message at one of its recipients, as far as can be seen. */
export type ReceiptState =
  /** It is to come, unless its connection is behind. */
  | 'awaited'
  /** It may come or not: the recipient was in time to get it, or not, to lose it. */
  | 'doubtful'
  /** It may come until the socket is closed: its connection was removed, and is handed what waits. */
  | 'leaving'
  /** It is being handed to the socket. */
  | 'handed'
  | 'accepted'
  /** Refused by the socket, which threw. */
  | 'failed'
  /** It must not come: a newer one of its stream came, or a notice stands for it. */
  | 'superseded'
  /** It must not come: the recipient has gone, unsubscribed, or lost the right. */
  | 'lost'
  /** It must not come: no frame could be made. */
  | 'unframed'

export interface Receipt {
  readonly connection: ConnectionFact
  readonly delivery: Delivery
  state: ReceiptState
  /** While it is handed: nobody wants it back, if it is not accepted. */
  isUnwanted: boolean
  /** Whether it is certain that the connection was a recipient. */
  readonly isCertain: boolean
  /** It once was in doubt whether it would come. */
  wasDoubtful: boolean
  /** Its connection was behind for certain when it came, so that it waited in a queue. */
  hasWaited: boolean
  /** Its connection was not behind when it came, so that it is handed on by the end of the turn, and nothing takes its place. */
  passes: boolean
  /** Its connection was removed, and it must be handed on before that is closed. */
  isOwed: boolean
  /** It was accepted by a promise that rejected. */
  wasRejected: boolean
  /** Its connection was given to another user who may have it: it stays if it waits, whether or not that user is subscribed. */
  staysUncovered: boolean
}

/** A message that was published or sent, and what is known of its way. */
export interface Delivery {
  readonly number: number
  readonly way: Way
  readonly stream: Stream
  /** Whose it is, if it is private. */
  readonly userId: string | undefined
  /** For whom it is, if it is not published. */
  readonly target: ConnectionFact | string | undefined
  /** For whom a notice or a skip is. */
  readonly audience: readonly ConnectionFact[]
  /** Those that it leaves out. */
  readonly except: readonly ConnectionFact[]
  /** What it is on the wire: once it is recorded, what the recorder has made of it. */
  text: string
  /** It goes out as bytes. */
  readonly isBytes: boolean
  /** It is to be recorded, and how often it was. */
  readonly isRecorded: boolean
  timesRecorded: number
  /** Those that were subscribed and are left out, once it is recorded, and how often the recorder was asked what to tell them. */
  leftOut: readonly ConnectionFact[]
  /** Those of them that are to be told, until the recorder has answered. */
  toBeTold: readonly ConnectionFact[] | undefined
  timesSkipped: number
  /** No recorder can take it: nobody gets it. */
  isDoomed: boolean
  /** It goes out between two others, and nobody sees between which. */
  readonly isUnordered: boolean
  /** What the manager decides once it is serialized. */
  serialized: () => void
  /** The subscriptions whose streams it serves. */
  served: readonly SubscriptionFact[]
  /** At which version. */
  readonly publishedAt: number
  /** When, on the monotonic clock. */
  readonly publishedMs: number
  /** It is for a connection that had gone already. */
  readonly wasTooLate: boolean
  /** Its place in the one order of all messages. */
  place: number
  /** Called, then waiting for others to end, then under way, then over. One that was refused is over at once. */
  phase: 'called' | 'deferred' | 'running' | 'over'
  /** Who its recipients may be: one list for each moment at which it may have begun. */
  candidates: (readonly ConnectionFact[])[]
  /** The first and the last version at which it may have begun. */
  startedFrom: number
  startedUntil: number
  /** Those who lost its stream when it may have begun: it was discarded with that, or came later. */
  readonly doubted: Set<ConnectionFact>
  /** Those that were given to a user who may not have it. It never comes to them. */
  readonly barred: Set<ConnectionFact>
  /** Those that were given to a user who may have it. */
  readonly moved: Set<ConnectionFact>
  /** Those that were given to another user after it was revoked for one of the two, while it was deferred. */
  readonly uncertain: Set<ConnectionFact>
  readonly receipts: Map<ConnectionFact, Receipt>
  timesSerialized: number
  /** How often a transport was asked for its frame, and whether that failed. */
  timesFramed: number
  hasNoFrame: boolean
}

/** Whom a message reaches when its delivery begins now. */
export function recipientsOf(delivery: Pick<Delivery, 'way' | 'stream' | 'userId' | 'target' | 'except' | 'audience' | 'isDoomed'>, facts: Facts): ConnectionFact[] {
  const { way, target, except, audience } = delivery
  switch (way) {
    case 'publish':
      return delivery.isDoomed ? [] : subscribedTo(delivery, facts).filter((each) => !except.includes(each))
    case 'notice':
    case 'skip':
      return facts.live.filter((each) => audience.includes(each))
    case 'sendToUser':
      return facts.live.filter((each) => each.userId === target)
    case 'sendToConnection':
      return facts.live.filter((each) => each === target)
    case 'broadcast':
      return facts.live
    case 'text':
      // It is a recipient if it has gone, too, which is skipped then.
      return facts.connections.filter((each) => each === target)
  }
}

/** Who is subscribed to a message's stream, the left-out ones included. */
export function subscribedTo({ stream, userId }: Pick<Delivery, 'stream' | 'userId'>, facts: Facts): ConnectionFact[] {
  return facts.live.filter((each) => facts.covers(each, stream) && (!isPrivate(stream) || each.userId === userId))
}

/** Whether a recipient is still to get a message whose turn comes now. */
export function isEntitled(receipt: Receipt, facts: Facts): boolean {
  const { connection, delivery } = receipt
  const { way, stream, startedUntil } = delivery
  if (!connection.isLive || isBarred(receipt, facts)) return false
  return !isPublished(way) || facts.hasCoveredSince(startedUntil, connection, stream)
}

/** Whether a message never comes to a connection: its user may not have it, or it was revoked for that user after it was published. */
export function isBarred({ connection, delivery }: Receipt, facts: Facts): boolean {
  return delivery.barred.has(connection) || isRevoked(delivery, connection, facts)
}

function isRevoked(delivery: Delivery, { userId, ownedSince }: ConnectionFact, facts: Facts): boolean {
  return isRevokedFor(userId, delivery, facts, ownedSince)
}

/** Whether a message was revoked for a user after it was published, and after this version. */
export function isRevokedFor(userId: string, { way, stream, publishedAt }: Delivery, { revocations }: Facts, since = 0): boolean {
  if (isOfHost(way)) return false
  return revocations.some(
    (each) =>
      each.version > publishedAt &&
      (each.userId === undefined || (each.userId === userId && each.version > since)) &&
      (each.streamType === undefined || each.streamType === stream.streamType) &&
      (each.symbol === undefined || each.symbol === stream.symbol),
  )
}

/** Whether it goes to those only who are subscribed. */
export function isPublished(way: Way): boolean {
  return way === 'publish' || way === 'skip'
}

/** Whether it is no message of a stream, so that nothing that is about a stream is about it. */
export function isOfHost(way: Way): boolean {
  return way === 'text' || way === 'notice'
}

export function isOpen({ state }: Receipt): boolean {
  return state === 'awaited' || state === 'doubtful'
}

export function isOfStream(stream: Stream): (receipt: Receipt) => boolean {
  const key = keyOf(stream)
  return ({ delivery }) => keyOf(delivery.stream) === key
}

export function definitionOf({ stream }: Delivery): Rules {
  return rulesOf(stream)
}

/** Whether messages of this connection may wait with the manager. */
export function mayWait({ socket, wasPressed }: ConnectionFact): boolean {
  return socket.kind !== 'plain' && wasPressed
}

/** Whether messages of this connection may leave later than in their turn. */
export function hasSendQueue({ socket }: ConnectionFact): boolean {
  return socket.kind !== 'plain'
}
