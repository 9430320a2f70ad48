import { ConnectionManagerError, describe } from '../../errors.ts'
import { catalogueIn, definitionOf, type ResolvedCatalogue, type StreamCatalogue, type TradingStreams } from '../../model/catalogue.ts'
import { isOfRevoked, readRevocation, type Revocation, type Revoked } from '../../model/revocation.ts'
import { optionsIn } from '../options-in.ts'
import { ClientAccount, LOST, type ClientDependencies } from './client-account.ts'
import { Faults } from './faults.ts'
import { Publications, type AuditedStream, type MessageIdentity } from './publications.ts'
import { identityInData, isIdentity, readWireForm, type AuditedMessage, type AuditedText, type AuditNotice } from './reading.ts'
import { reportOf, type AuditReport } from './report.ts'

/** The options of an audit. */
export interface AuditOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * A catalogue from `defineStreams`. It says which streams are `latest`, and which are private.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * Returns what tells a message from all others of its stream type and symbol, also from those of other users. It gets what was published, and what
   * a client read. `undefined` if the message has no identity: then `published` throws, and `received` reports an unknown message.
   *
   * @default the field `id` of `data`, or `data` itself if it is a string or a number
   */
  readonly identify?: ((message: AuditedMessage) => MessageIdentity | undefined) | undefined
  /**
   * Reads a text that a client received. `undefined` for a text that no server should send: it is reported as unknown.
   *
   * @default the library's wire form: messages, and the notices `gap`, `subscribed` and `unsubscribed`. Other notices are ignored
   */
  readonly read?: ((text: string) => AuditedText | undefined) | undefined
  /**
   * What a message is that comes after its client lost the right to it, by an unsubscribe, a revocation or a change of its user, but was due before:
   * `leaked`, or `allowed` until the client disconnects, or subscribes again. Use `allowed` if texts may be in a network's buffers at that moment.
   *
   * @default 'leaked'
   */
  readonly onTheWay?: 'leaked' | 'allowed' | undefined
  /**
   * How many publications are remembered. If there are more, the oldest is forgotten. Then it is no fault if it does not come, and `counts.unchecked`
   * counts it. If it comes, it is unknown.
   *
   * @default 100_000
   */
  readonly remember?: number | undefined
  /**
   * How many faults of each kind a report lists. The others are counted.
   *
   * @default 1_000
   */
  readonly list?: number | undefined
}

/** A stream, or a whole stream type. */
export interface AuditedSubject {
  /** The stream type. */
  readonly streamType: string
  /** If absent, all streams of the type. */
  readonly symbol?: string | null | undefined
}

/** Who a message is for, besides the subscribers of its stream. */
export interface PublishedOptions {
  /** Clients that it leaves out, as `publish(message, { except })` does. A replay may bring it to them. */
  readonly except?: readonly string[] | undefined
  /** The only clients that it is for, whatever they are subscribed to: of a `sendToUser`, a `sendToConnection` or a `broadcast`. */
  readonly to?: readonly string[] | undefined
}

interface Floor {
  readonly revoked: Revoked
  readonly step: number
}

const OPTION_NAMES = ['streams', 'identify', 'read', 'onTheWay', 'remember', 'list'] as const
const NOBODY: ReadonlySet<string> = new Set()

/**
 * Compares what a server published with what each client received.
 *
 * Tell it everything in the order in which it happens. Each call is one step, and a report names steps. A message is told from others by an identity
 * of your own in its data, and never by the numbers of a server, because those are what you test.
 *
 * It keeps the last publications (`remember`), and for each client and stream: what is due and has not come, and which places of the stream have come,
 * as runs. So its memory does not grow with the number of messages. It grows with the number of streams and of clients; `forget` drops a client.
 */
export class Audit<in TStreams extends StreamCatalogue = TradingStreams> {
  readonly #streams: StreamCatalogue
  readonly #identify: (message: AuditedMessage) => MessageIdentity | undefined
  readonly #read: (text: string) => AuditedText | undefined
  readonly #publications: Publications
  readonly #faults: Faults
  readonly #clients = new Map<string, ClientAccount>()
  /** By their fields. A later one of the same fields replaces an earlier one. */
  readonly #floors = new Map<string, Floor>()
  readonly #counts = { steps: 0, published: 0, received: 0, replaced: 0, told: 0, unchecked: 0 }
  readonly #dependencies: Omit<ClientDependencies, 'report'>

  /** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
  constructor(options: AuditOptions<TStreams> = {}) {
    const given = optionsIn(options, OPTION_NAMES)
    this.#streams = catalogueIn({ streams: given.streams as StreamCatalogue | undefined })
    this.#identify = functionIn('identify', given.identify) ?? identityInData
    this.#read = functionIn('read', given.read) ?? readWireForm
    this.#publications = new Publications(numberIn('remember', given.remember, 100_000))
    this.#faults = new Faults(numberIn('list', given.list, 1_000))
    const { onTheWay = 'leaked' } = given
    if (onTheWay !== 'leaked' && onTheWay !== 'allowed') throw invalidOption('onTheWay', `expected 'leaked' or 'allowed', got ${describe(onTheWay)}`)
    this.#dependencies = {
      streams: this.#streams as ResolvedCatalogue,
      publications: this.#publications,
      keeper: {
        countReplaced: (count) => void (this.#counts.replaced += count),
        countTold: (count) => void (this.#counts.told += count),
        countUnchecked: (count) => void (this.#counts.unchecked += count),
      },
      mayBeOnTheWay: onTheWay === 'allowed',
      revokedAt: (userId, stream) => this.#revokedAt(userId, stream),
    }
  }

  /** How many calls it was told of. A report names these steps, so log it beside what your test does. */
  get step(): number {
    return this.#counts.steps
  }

  /**
   * How many messages have not come yet to connected clients, and of which they were not told. Wait until it is 0, with a deadline, before the report:
   * then nothing is on its way any more.
   */
  get waiting(): number {
    let waiting = 0
    for (const client of this.#clients.values()) waiting += client.outstanding().length
    return waiting
  }

  /**
   * A client connects, or comes back, as a user. It has no subscriptions now. What it was subscribed to when it went stays in mind: if it subscribes
   * again, it is due all that it missed, unless it is told otherwise.
   *
   * A client is whatever keeps what it received: a browser tab that reconnects is one client. Give a client that starts afresh another name.
   */
  connected(client: string, userId: string): void {
    const step = this.#nextStep()
    const known = this.#clients.get(client)
    if (known !== undefined) return known.connect(userId, step)
    const report: ClientDependencies['report'] = (kind, message, at, why) => this.#faults.add(kind, client, message, at, why)
    this.#clients.set(client, new ClientAccount(client, userId, { ...this.#dependencies, report }))
  }

  /** A client's connection is over, for any reason. What it was sent and did not receive is missing if it comes back. */
  disconnected(client: string): void {
    const step = this.#nextStep()
    this.#clientNamed(client).disconnect(step)
  }

  /** A client will not come back. Its faults stay in the report, and nothing is due to it any more. */
  forget(client: string): void {
    this.#nextStep()
    this.#addLost(this.#faults, client)
    this.#clients.delete(client)
  }

  /** A client belongs to another user from now on: see `connection.reassign`. Its subscriptions to private streams are over, the others stay. */
  reassigned(client: string, userId: string): void {
    this.#nextStep()
    this.#clientNamed(client).reassign(userId)
  }

  /**
   * A client asks for a subscription, and its server will carry it out at a moment that the test does not see. From now on messages may come. They are
   * due from `subscribed` on, or from the answer on if the client receives a notice `subscribed`. Not needed if the test calls the server itself.
   */
  subscribing(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).subscribing(this.#subject(stream), step)
  }

  /**
   * A client is subscribed: all that is published from now on is due. If it was subscribed when its connection ended, what it missed is due too,
   * until it is told that something may be missing. For a subscription of a user, call it for each of the user's clients.
   */
  subscribed(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).subscribed(this.#subject(stream), step)
  }

  /** A client asks to end a subscription. Until `unsubscribed`, messages may come, and none is due. Not needed if the test calls the server itself. */
  unsubscribing(client: string, stream: AuditedSubject): void {
    this.#nextStep()
    this.#clientNamed(client).unsubscribing(this.#subject(stream))
  }

  /** A client is not subscribed any more. A message of the stream that comes now is leaked: see the option `onTheWay`. */
  unsubscribed(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).unsubscribed(this.#subject(stream), step)
  }

  /**
   * Access was taken back: the subscriptions that match are over, and a message that was published before is leaked if it comes later, also by a
   * replay, and also to a user who was not connected.
   *
   * @throws what `manager.revoke` throws for a revocation that makes no sense
   */
  revoked(revocation: Revocation<TStreams>): void {
    const step = this.#nextStep()
    const revoked = readRevocation(revocation, this.#streams)
    this.#floors.set(JSON.stringify([revoked.userId, revoked.streamType, revoked.symbol]), { revoked, step })
    for (const client of this.#clients.values()) client.revoke(revoked, step)
  }

  /**
   * A message is published. Call it before the server delivers it, in the order of the publishes of each stream.
   *
   * @throws `ERR_INVALID_ARGUMENT` for a message without identity, or with one that its stream has had already; `ERR_UNKNOWN_STREAM`
   */
  published(message: AuditedMessage, options: PublishedOptions = {}): void {
    const step = this.#nextStep()
    const { streamType, symbol } = this.#subject(message)
    const identity = this.#identify(message)
    if (!isIdentity(identity)) throw invalid(`A published message needs an identity, a string or a number, got ${describe(identity)}`)
    if (this.#publications.find(streamType, symbol, identity) !== undefined) throw invalid(`Two messages of ${describe(streamType)} have the identity ${describe(identity)}`)
    const { except, to } = options
    const publication = this.#publications.add({
      streamType, symbol, identity, step,
      userId: message.userId ?? undefined,
      except: except === undefined ? NOBODY : new Set(except),
      to: to && new Set(to),
    })
    this.#counts.published++
    for (const client of this.#clients.values()) client.owe(publication)
  }

  /** A client received a text: a message, or a notice, which then counts as `told`. It never throws for what a server sent. */
  received(client: string, text: string): void {
    const step = this.#nextStep()
    const account = this.#clientNamed(client)
    const read = this.#read(text)
    if (read === undefined) return this.#faults.add('unknown', client, {}, step, `cannot be read: ${describe(text)}`)
    if (read.kind === 'other') return
    const subject = { streamType: read.streamType, symbol: read.symbol ?? undefined }
    if (read.kind === 'notice') return account.told(subject, read.notice, step)
    this.#counts.received++
    const identity = this.#identify(read)
    const publication = isIdentity(identity) ? this.#publications.find(subject.streamType, subject.symbol, identity) : undefined
    if (publication !== undefined) return account.receive(publication, read.isSnapshot === true, step)
    if (read.isSnapshot === true) return
    this.#faults.add('unknown', client, { ...subject, identity: isIdentity(identity) ? identity : undefined }, step, 'was not published, or is forgotten')
  }

  /**
   * A client was told something about a stream, by another way than a text that `received` reads. Call it when the client has read it, at its place
   * among the messages.
   */
  told(client: string, stream: AuditedSubject, notice: AuditNotice): void {
    const step = this.#nextStep()
    this.#clientNamed(client).told(this.#subject(stream), notice, step)
  }

  /**
   * Returns what is wrong so far. What has not come yet to a connected client is missing, so wait for `waiting` to be 0 first, or for your deadline.
   * A client that is not connected misses nothing. Calling it changes nothing.
   */
  report(): AuditReport {
    const faults = this.#faults.copy()
    for (const [name, client] of this.#clients) {
      this.#addLost(faults, name)
      for (const publication of client.outstanding()) faults.add('missing', name, publication, this.step, 'has not come, and no notice told the client')
    }
    return reportOf(faults, this.#counts)
  }

  #nextStep(): number {
    return ++this.#counts.steps
  }

  #clientNamed(name: string): ClientAccount {
    const client = this.#clients.get(name)
    if (client === undefined) throw invalid(`There is no client ${describe(name)}: call \`connected\` first`)
    return client
  }

  /** @throws `ERR_UNKNOWN_STREAM`, so that a misspelt name does not audit nothing */
  #subject({ streamType, symbol }: AuditedSubject): Pick<AuditedStream, 'streamType' | 'symbol'> {
    definitionOf(this.#streams, streamType)
    return { streamType, symbol: symbol ?? undefined }
  }

  #revokedAt(userId: string, stream: AuditedStream): number {
    let at = 0
    for (const { revoked, step } of this.#floors.values()) {
      const isOfUser = revoked.userId === undefined || revoked.userId === userId
      if (step > at && isOfUser && isOfRevoked(stream, revoked)) at = step
    }
    return at
  }

  #addLost(faults: Faults, name: string): void {
    this.#clients.get(name)?.eachPassed((publication, passedAt) => faults.add('lost', name, publication, passedAt, LOST))
  }
}

/**
 * Returns an audit, which compares what a server published with what each client received: which message is missing, came twice, came out of order,
 * or came to somebody who may not have it.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range
 *
 * @example
 * import { createAudit, FakeSocket } from 'stream-connection-manager/testing'
 *
 * const audit = createAudit()
 * const manager = new ConnectionManager()
 * const connection = manager.addConnection('c1', new FakeSocket({ send: (text) => audit.received('phone', text) }), 'alice')
 * audit.connected('phone', 'alice')
 *
 * connection.subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
 * audit.subscribed('phone', { streamType: 'TRADES', symbol: 'BTCUSDT' })
 * const trade = { streamType: 'TRADES', symbol: 'BTCUSDT', data: { id: 1, price: 64_000 } } as const
 * audit.published(trade)
 * manager.publish(trade)
 *
 * console.log(audit.report().faults) // []
 */
export function createAudit<TStreams extends StreamCatalogue = TradingStreams>(options: AuditOptions<TStreams> = {}): Audit<TStreams> {
  return new Audit(options)
}

function invalid(what: string): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', what)
}

function invalidOption(option: string, what: string): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option })
}

function functionIn<TFunction>(option: string, value: unknown): TFunction | undefined {
  if (value === undefined || typeof value === 'function') return value as TFunction | undefined
  throw invalidOption(option, `expected a function, got ${describe(value)}`)
}

function numberIn(option: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault
  if (typeof value === 'number' && value >= 0) return value
  throw invalidOption(option, `expected a number of 0 or more, got ${describe(value)}`)
}

