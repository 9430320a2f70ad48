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
   * The catalogue of the audited server, from `defineStreams`. The audit must know which streams are `latest`, and which are private.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * Returns the identity of a message. No other message of the same stream type and symbol may have the same identity, not even for another user. The
   * function is called for published messages and for received messages. If `identify` returns `undefined`, `published` throws, and `received`
   * reports an unknown message, unless the message is a snapshot.
   *
   * @default the field `id` of `data`, or `data` itself if it is a string or a number
   */
  readonly identify?: ((message: AuditedMessage) => MessageIdentity | undefined) | undefined
  /**
   * Reads a text that a client received. If `read` returns `undefined`, the text is reported as unknown.
   *
   * @default reads the library's wire form: messages, and the notices `gap`, `subscribed` and `unsubscribed`. Other notices are ignored
   */
  readonly read?: ((text: string) => AuditedText | undefined) | undefined
  /**
   * How to judge a message that the client should have received, but that comes after the client unsubscribed, lost access or changed its user.
   * `leaked` reports the message as a fault. `allowed` accepts the message until the client disconnects or subscribes again. Use `allowed` if the
   * network may still hold texts when the client loses the stream.
   *
   * @default 'leaked'
   */
  readonly onTheWay?: 'leaked' | 'allowed' | undefined
  /**
   * How many publications are remembered. If there are more publications, the oldest one is forgotten. If a due message is forgotten before the
   * client has received it, `counts.unchecked` counts the message, and there is no fault. If a forgotten message comes, and not as a snapshot, it is
   * reported as unknown.
   *
   * @default 100_000
   */
  readonly remember?: number | undefined
  /**
   * How many faults of each kind a report lists. Further faults are only counted.
   *
   * @default 1_000
   */
  readonly list?: number | undefined
}

/** A stream, or a whole stream type. */
export interface AuditedSubject {
  /** The stream type. */
  readonly streamType: string
  /** The symbol. If the symbol is absent, the subject is the whole stream type. */
  readonly symbol?: string | null | undefined
}

/**
 * The options of `published`. `except` and `to` change the recipients, which are all subscribers of the stream by default. `publisher` names the
 * server process that publishes the message.
 */
export interface PublishedOptions {
  /** Clients that must not get the message, as with `publish(message, { except })`. A replay may still send the message to these clients. */
  readonly except?: readonly string[] | undefined
  /** The only recipients, subscribed or not. Use `to` for messages of `sendToUser`, `sendToConnection` and `broadcast`. */
  readonly to?: readonly string[] | undefined
  /**
   * The name of the server process that publishes the message, if there are several. The messages of one publisher have an order. The messages of two
   * publishers may come in any order.
   *
   * @default messages without this option count as messages of one publisher
   */
  readonly publisher?: string | undefined
}

interface Floor {
  readonly revoked: Revoked
  readonly step: number
}

const OPTION_NAMES = ['streams', 'identify', 'read', 'onTheWay', 'remember', 'list'] as const
const NOBODY: ReadonlySet<string> = new Set()

/**
 * Compares the messages that a server published with the messages that each client received.
 *
 * Call the audit's methods in the order in which the reported things happen. A method whose first argument is a client throws `ERR_INVALID_ARGUMENT`
 * if the client was never connected. Only `connected` and `forget` take any name. Each call, except `report`, is one step, and each fault in a report
 * names its step. A message is *due* to a client if the client must receive it. Put an identity of your own into the data of each message. Do not use
 * numbers that the server assigns, because the server is what you test.
 *
 * The audit keeps the last publications: see the option `remember`. For each client and stream, the audit keeps the messages that are due. The
 * messages of a stream are numbered. For messages that have come, the audit keeps only ranges of numbers. So the audit's memory does not grow with
 * the number of messages, but with the number of streams and clients. `forget` drops a client.
 */
export class Audit<in TStreams extends StreamCatalogue = TradingStreams> {
  readonly #streams: StreamCatalogue
  readonly #identify: (message: AuditedMessage) => MessageIdentity | undefined
  readonly #read: (text: string) => AuditedText | undefined
  readonly #publications: Publications
  readonly #faults: Faults
  readonly #clients = new Map<string, ClientAccount>()
  /** Publisher → the step at which it last died. */
  readonly #deaths = new Map<string, number>()
  /** The revocations. A later revocation of the same user, stream type and symbol replaces an earlier revocation. */
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
        mayBeLost: ({ source, step }) => source !== undefined && step < (this.#deaths.get(source) ?? 0),
      },
      mayBeOnTheWay: onTheWay === 'allowed',
      revokedAt: (userId, stream) => this.#revokedAt(userId, stream),
    }
  }

  /** The number of the last step. A report names steps by their numbers, so log this number with the actions of your test. */
  get step(): number {
    return this.#counts.steps
  }

  /**
   * How many messages are due to connected clients and have not come yet. A message does not count if a notice reported it as missing, or if a newer
   * message of its stream has come. Before you call `report`, wait until `waiting` is 0, with a deadline.
   */
  get waiting(): number {
    let waiting = 0
    for (const client of this.#clients.values()) waiting += client.outstanding().length
    return waiting
  }

  /**
   * A client connects or reconnects as a user. The client has no subscriptions at first. The audit remembers the subscriptions that the client had
   * when it disconnected. If the client subscribes again, all messages that it missed are due, except messages with the option `to`, messages from
   * before a revocation, and messages that a notice reports as possibly missing.
   *
   * A client keeps the messages that it received. For example, a browser tab that reconnects is the same client. If a client has lost its messages,
   * give it a new name.
   */
  connected(client: string, userId: string): void {
    const step = this.#nextStep()
    const known = this.#clients.get(client)
    if (known !== undefined) return known.connect(userId, step)
    const report: ClientDependencies['report'] = (kind, message, at, why) => this.#faults.add(kind, client, message, at, why)
    this.#clients.set(client, new ClientAccount(client, userId, { ...this.#dependencies, report }))
  }

  /** A client's connection is over, for any reason. If the client subscribes again, the messages that it missed are due: see `connected`. */
  disconnected(client: string): void {
    const step = this.#nextStep()
    this.#clientNamed(client).disconnect(step)
  }

  /** A client will not reconnect. The client's faults stay in the report, and no message is due to the client any more. */
  forget(client: string): void {
    this.#nextStep()
    this.#addLost(this.#faults, client)
    this.#clients.delete(client)
  }

  /**
   * A client moves to another user: see `connection.reassign`. The client's subscriptions to private streams end. The client's other subscriptions
   * stay. If `authorize` refuses one of them to the new user, call `unsubscribed` for it.
   */
  reassigned(client: string, userId: string): void {
    this.#nextStep()
    this.#clientNamed(client).reassign(userId)
  }

  /**
   * A client sends a request to subscribe. The test does not see when the server carries the request out, so messages may come from now on. Messages
   * are due after the call of `subscribed`, or after the client receives a notice `subscribed`. Do not call this method if the test itself calls the
   * server's `subscribe`.
   */
  subscribing(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).subscribing(this.#subject(stream), step)
  }

  /**
   * A client is subscribed. All messages that are published from now on are due. If the client was subscribed when its last connection ended, the
   * messages that it missed are due too, until a notice says that messages may be missing. If the server subscribes the user (`addSubscription`),
   * call this method for each client of the user.
   */
  subscribed(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).subscribed(this.#subject(stream), step)
  }

  /**
   * A client sends a request to unsubscribe. Messages may still come, but none is due any more, unless another subscription of the client covers the
   * stream. Do not call this method if the test itself calls the server's `unsubscribe`.
   */
  unsubscribing(client: string, stream: AuditedSubject): void {
    this.#nextStep()
    this.#clientNamed(client).unsubscribing(this.#subject(stream))
  }

  /**
   * A client is no longer subscribed. A message of the stream that comes later is a `leaked` fault, unless another subscription of the client covers
   * the stream: see also the option `onTheWay`.
   */
  unsubscribed(client: string, stream: AuditedSubject): void {
    const step = this.#nextStep()
    this.#clientNamed(client).unsubscribed(this.#subject(stream), step)
  }

  /**
   * Access was revoked. The matching subscriptions are over. A message of a revoked stream is a `leaked` fault if it was published before the
   * revocation and comes after it. This also applies if a replay brings the message, and if the user was not connected at the time of the revocation.
   * The option `onTheWay` can allow a message that was due.
   *
   * @throws the errors of `manager.revoke` for an invalid revocation
   */
  revoked(revocation: Revocation<TStreams>): void {
    const step = this.#nextStep()
    const revoked = readRevocation(revocation, this.#streams)
    this.#floors.set(JSON.stringify([revoked.userId, revoked.streamType, revoked.symbol]), { revoked, step })
    for (const client of this.#clients.values()) client.revoke(revoked, step)
  }

  /**
   * A message is published. Call this method before the server delivers the message. Report the messages of a stream in the order in which they are
   * published.
   *
   * @throws `ERR_INVALID_ARGUMENT` for a message without an identity, or with the identity of an earlier message of the same stream type and symbol.
   * `ERR_UNKNOWN_STREAM` for a stream type that is not in the catalogue
   */
  published(message: AuditedMessage, options: PublishedOptions = {}): void {
    const step = this.#nextStep()
    const { streamType, symbol } = this.#subject(message)
    const identity = this.#identify(message)
    if (!isIdentity(identity)) throw invalid(`A published message needs an identity, a string or a number, got ${describe(identity)}`)
    if (this.#publications.find(streamType, symbol, identity) !== undefined) throw invalid(`Two messages of ${describe(streamType)} have the identity ${describe(identity)}`)
    const { except, publisher, to } = options
    const isLatest = (this.#streams as ResolvedCatalogue)[streamType]?.delivery === 'latest'
    const publication = this.#publications.add({
      streamType, symbol, identity, step,
      // A `latest` message replaces those of all publishers.
      publisher: isLatest ? undefined : publisher,
      source: publisher,
      userId: message.userId ?? undefined,
      except: except === undefined ? NOBODY : new Set(except),
      to: to && new Set(to),
    })
    this.#counts.published++
    for (const client of this.#clients.values()) client.owe(publication)
  }

  /**
   * A publisher ended suddenly, for example by `kill -9`. Messages that the publisher published before its death may be lost. A client that has not
   * received these messages may still get them, but they are no longer due. The publisher may start again under the same name.
   */
  died(publisher: string): void {
    const step = this.#nextStep()
    this.#deaths.set(publisher, step)
    for (const client of this.#clients.values()) client.excuseLost()
  }

  /**
   * A client received a text. If the text is a message, the audit checks it. If the text is a notice, the effect is the same as that of a call of
   * `told`. A text for which `read` returns `undefined` is reported as unknown. If `read` or `identify` throws, this method throws the same error.
   */
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
   * A client got a notice about a stream, but not as a text that `received` can read. Call `told` and `received` in the order in which the client
   * reads its notices and messages.
   */
  told(client: string, stream: AuditedSubject, notice: AuditNotice): void {
    const step = this.#nextStep()
    this.#clientNamed(client).told(this.#subject(stream), notice, step)
  }

  /**
   * Returns all faults so far. A message that is due to a connected client and has not come yet is `missing`. So before you call `report`, wait until
   * `waiting` is 0, or until your deadline. A client that is not connected has no missing messages. `report` does not change the audit.
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

  /**
   * Checks the stream type, and returns the stream, or the whole type if there is no symbol.
   *
   * @throws `ERR_UNKNOWN_STREAM`, because the audit would find nothing to check under a misspelt name
   */
  #subject({ streamType, symbol }: AuditedSubject): Pick<AuditedStream, 'streamType' | 'symbol'> {
    definitionOf(this.#streams, streamType)
    return { streamType, symbol: symbol ?? undefined }
  }

  #revokedAt(userId: string, stream: Pick<AuditedStream, 'streamType' | 'symbol'>): number {
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
 * Returns an audit. An audit compares the messages that a server published with the messages that each client received. An audit finds messages that
 * are missing, that came twice or out of order, or that came to a client that must not get them.
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

