import type { Notice, PublishResult } from '../../../../src/index.ts'
import { Client } from './client.ts'
import { ownText, describe, type Address, type Message } from './message.ts'
import type { RevokedStreams } from './model.ts'
import { connectionIds, type User } from './people.ts'
import type { Scene } from './scene.ts'
import { socketFor, TEMPER, TRANSPORTS, type Reception } from './sockets.ts'
import { OWN_TEXTS, STREAMS, type Stream } from './streams.ts'

/** Connections that one user has at most. */
export const MOST_CLIENTS = 5
/** How many connection ids there are for each user: so few that they are used again and again, by others too. */
const IDS_PER_USER = 3.5
const MOST_HOLDS_AT_FIRST = 4

/** What is done to the manager and to the model alike, and what the manager must answer. */
export class Deeds {
  readonly #scene: Scene
  readonly #reception: Reception
  readonly #ids: readonly string[]
  /** The notice that is being made. */
  #noticing: number | undefined
  /** Types that users may not subscribe to, after a revocation. */
  readonly #banned = new Set<string>()

  constructor(scene: Scene, reception: Reception) {
    this.#scene = scene
    this.#reception = reception
    this.#ids = connectionIds(Math.ceil(scene.model.users.length * IDS_PER_USER))
  }

  /** What the manager is told when it asks whether somebody may subscribe. */
  isAllowed(userId: string, streamType: string): boolean {
    return !this.#banned.has(banOf(userId, streamType))
  }

  liftBans(): void {
    this.#banned.clear()
  }

  // Messages

  /** Publishes a message of a stream, or addresses one; where it is private, it is this user's. */
  publish(stream: Stream, user: User, shareOfAddressed = 0.1): void {
    const { dice } = this.#scene
    const owner = stream.type.isPrivate ? user : undefined
    this.#send(stream, owner, dice.chance(shareOfAddressed) ? this.#someAddress(user, owner) : 'subscribers')
  }

  /** Sends a text of the host's own to one connection, which may have gone: then nobody gets it. */
  sendText(client: Client): void {
    this.#scene.happenings.texts++
    this.#send(OWN_TEXTS, client.user, { client })
  }

  #someAddress(user: User, owner: User | undefined): Address {
    const { dice } = this.#scene
    if (owner === undefined && dice.chance(0.02)) return 'everybody'
    return user.clients.length > 0 && dice.chance(0.5) ? { client: dice.pick(user.clients) } : { user }
  }

  #send(stream: Stream, owner: User | undefined, address: Address): void {
    const { depth, happenings, model } = this.#scene
    const message = model.compose(stream, owner, address)
    this.#say(`publishing message ${message.number}`)
    happenings.publishes++
    if (owner !== undefined) happenings.privatePublishes++
    if (address === 'subscribers') this.#leaveSomebodyOut(message)
    if (depth > 1) this.#sendFromWithin(message)
    else this.#sendNow(message)
  }

  #leaveSomebodyOut(message: Message): void {
    const { dice, happenings, model } = this.#scene
    const concerned = message.owner?.clients ?? [...model.clients]
    if (concerned.length === 0 || !dice.chance(0.1)) return
    happenings.exceptions++
    for (let several = 1 + dice.below(2); several > 0; several--) message.except.add(dice.pick(concerned))
  }

  #sendNow(message: Message): void {
    const { complain, isRecording, model } = this.#scene
    const isToBeRecorded = isRecording && message.address === 'subscribers'
    // Whom it reaches is settled before it is serialized, which may run code of the caller's; or else when it is recorded.
    if (isToBeRecorded) model.comeUp(message)
    else model.begin(message)
    const { deferred, matched } = this.#hand(message)
    const expected = message.matched
    if (deferred || matched !== expected) complain('A message matched others than it should', `${matched} instead of ${expected}: ${message.stream.head}`)
  }

  #sendFromWithin(message: Message): void {
    const { complain, happenings, model } = this.#scene
    model.comeUp(message)
    const { deferred } = this.#hand(message)
    if (!deferred) return complain('A message from within a delivery was not deferred')
    happenings.deferred++
    model.defer(message)
  }

  #hand(composed: Message): PublishResult {
    const { stream, owner, address, except } = composed
    const { dice, manager } = this.#scene
    if (stream === OWN_TEXTS && typeof address === 'object' && 'client' in address) return address.client.handle.send(ownText(composed))
    const message = { ...requestFor(stream), data: this.#dataOf(composed) }
    const owned = owner === undefined ? message : { ...message, userId: owner.id }
    if (address === 'subscribers') return except.size === 0 ? manager.publish(owned) : manager.publish(owned, { except: Array.from(except, ({ handle }) => handle) })
    if (address === 'everybody') return manager.broadcast(message)
    const addressed = dice.chance(0.5) ? owned : message
    return 'user' in address ? manager.sendToUser(address.user.id, addressed) : manager.sendToConnection(address.client.id, addressed)
  }

  /** A number; now and then one that is found out by code of the caller's, which does something else first. */
  #dataOf({ number, address }: Message): unknown {
    const { depth, dice, isPeaceful, isRecording } = this.#scene
    // What is published while a message to be recorded is serialized is not deferred.
    const isBeforehand = isRecording && address === 'subscribers' && depth <= 1
    if (isPeaceful || isBeforehand || !dice.chance(depth > 1 ? 0.2 : 0.002)) return number
    return { toJSON: () => (this.#reception.serializing(), number) }
  }

  // Notices

  /** Tells those who receive a stream that messages are missing; where it is private, only this user. */
  notifyGap(stream: Stream, user: User): void {
    const { happenings, isRecording, manager, model } = this.#scene
    if (!isRecording) return
    const owner = stream.type.isPrivate ? user : undefined
    this.#say(`telling of a gap in ${stream.head}`)
    happenings.notices++
    this.#noticing = model.told.push({ owner, status: undefined }) - 1
    manager.notifyGap({ ...requestFor(stream), ...(owner !== undefined && { userId: owner.id }) }, 1)
    this.#noticing = undefined
  }

  setStatus(stream: Stream, user: User): void {
    const { complain, dice, happenings, isRecording, manager, model } = this.#scene
    if (!isRecording) return
    const owner = stream.type.isPrivate ? user : undefined
    this.#say(`setting the status of ${stream.head}`)
    happenings.notices++
    const isSubscribed = owner === undefined ? model.users.some((each) => model.isSubscribed(each, stream)) : model.isSubscribed(owner, stream)
    if (owner !== undefined && isSubscribed) model.failed.set(owner, (model.failed.get(owner) ?? new Set()).add(stream))
    this.#noticing = model.told.push({ owner, status: undefined }) - 1
    const source = { ...requestFor(stream), ...(owner !== undefined && { userId: owner.id }) }
    if (manager.setStreamStatus(source, dice.pick(['ERROR', 'RECONNECTING', 'CONNECTED'])) !== isSubscribed) complain('setStreamStatus answers otherwise', stream.head)
    this.#noticing = undefined
  }

  /** What a notice is on the wire: its number, by which it is known whose it is. */
  noticeText({ type, streamType, symbol, ...rest }: Notice): string {
    const { model } = this.#scene
    const stream = STREAMS.find((each) => each.type.name === streamType && each.symbol === symbol)
    const dropped = 'dropped' in rest ? rest.dropped : undefined
    if (this.#noticing === undefined && type === 'gap') return JSON.stringify({ type, stream_type: streamType, symbol: symbol ?? null, dropped })
    const number = this.#noticing ?? model.told.push({ owner: undefined, status: stream?.type.isPrivate === true ? stream : undefined }) - 1
    this.#noticing = undefined
    return `{"told":${number}}`
  }

  purge(client: Client, stream: Stream): void {
    this.#say(`purging ${stream.head} at ${JSON.stringify(client.id)}`)
    this.#scene.happenings.purges++
    client.handle.purge(requestFor(stream))
    this.#scene.model.purge(client, stream)
  }

  /** Makes one step of several deeds. */
  batch(deeds: () => void): void {
    this.#scene.happenings.batches++
    this.#scene.manager.batch(deeds)
  }

  // Connections

  connect(user: User, id: string = this.#scene.dice.pick(this.#ids)): void {
    const { dice, happenings, manager, model } = this.#scene
    if (user.clients.length >= MOST_CLIENTS || manager.connectionUsers.has(id)) return this.#connectWithTakenId(user, id)
    const client = new Client(id, user, TEMPER.draw(dice), (each) => socketFor(each, this.#reception), model.remit)
    this.#say(`connecting ${JSON.stringify(id)} of ${JSON.stringify(user.id)}`)
    model.connect(client)
    client.handle = manager.addConnection(id, client.socket, user.id, { transport: TRANSPORTS[client.temper.name] })
    happenings.connects++
    happenings.mostConnections = Math.max(happenings.mostConnections, model.clients.size)
    for (let own = 1 + dice.below(3); own > 0; own--) this.subscribe(client, dice.pick(STREAMS))
    if (user.holds.size < MOST_HOLDS_AT_FIRST) this.subscribeUser(user, dice.pick(STREAMS))
  }

  /** An id that is in use is refused to everybody else. */
  #connectWithTakenId(user: User, id: string): void {
    const { manager } = this.#scene
    const known = manager.getConnection(id)
    if (known !== undefined && known.userId !== user.id) this.#mustBeRefused('ERR_DUPLICATE_CONNECTION', () => manager.addConnection(id, known.socket, user.id))
  }

  /** Removes a connection, in one of the ways that there are: alone, or with all of its user's. */
  remove(client: Client): void {
    const { dice, manager } = this.#scene
    const { clients, id: userId } = client.user
    switch (dice.below(6)) {
      case 0:
      case 1: return this.#disconnect([...clients], () => manager.removeUser(userId))
      case 2: return this.#forsake(client)
      case 3: return this.#disconnect([client], () => client.handle.remove())
      default: return this.#disconnect([client], () => manager.removeConnection(client.id))
    }
  }

  /** Somebody else takes over the id of a connection that goes. */
  replace(client: Client, successor: User): void {
    this.remove(client)
    this.connect(successor, client.id)
  }

  /**
   * Gives a connection to another user. What its socket takes is handed over before, while it is still the first user's; so the model follows when
   * the call returns, and until then the witness looks at whose it is.
   */
  reassign(client: Client, to: User): void {
    const { complain, depth, happenings, model } = this.#scene
    if (to.clients.length >= MOST_CLIENTS || client.isRemoved) return
    this.#say(`giving ${JSON.stringify(client.id)} of ${JSON.stringify(client.user.id)} to ${JSON.stringify(to.id)}`)
    happenings.reassignments++
    const isRefused = this.#isRefusedAsRemoved(() => client.handle.reassign(to.id))
    if (isRefused !== client.isRemoved) complain('reassign answers otherwise', client.id)
    // What was deferred meanwhile has had its turn before.
    if (depth <= 1) model.rest()
    if (!isRefused && client.user !== to) model.reassign(client, to, (type) => this.isAllowed(to.id, type.name))
  }

  #isRefusedAsRemoved(call: () => void): boolean {
    try {
      call()
      return false
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_UNKNOWN_CONNECTION') return true
      throw error
    }
  }

  /** What there is room for is handed over first; nothing afterwards. */
  #disconnect(clients: readonly Client[], remove: () => Promise<unknown>): void {
    this.#takeOut(clients)
    void remove()
    for (const client of clients) {
      this.#seeWhatIsLeft(client)
      this.#scene.model.forget(client)
    }
  }

  /** Its peer is gone: nothing is handed over at all. */
  #forsake(client: Client): void {
    this.#takeOut([client])
    this.#scene.model.forget(client)
    void client.handle.remove({ close: false })
  }

  #takeOut(clients: readonly Client[]): void {
    const { gone, happenings, model } = this.#scene
    this.#say(`removing ${clients.map(({ id }) => JSON.stringify(id)).join(', ')}`)
    happenings.removals += clients.length
    gone.push(...clients)
    for (const client of clients) model.takeOut(client)
  }

  #seeWhatIsLeft(client: Client): void {
    const { complain, depth } = this.#scene
    const { temper, hasThrown, hasRejected, oldest } = client
    const mustHaveGotAll = depth <= 1 && !temper.mayWait && !hasThrown && !hasRejected
    if (mustHaveGotAll && oldest !== undefined) complain('What waited for a connection was not handed over when it was removed', describe(oldest, client))
  }

  /** What a handle can do once its connection is gone: nothing. */
  useStaleHandle(client: Client, stream: Stream): void {
    const { handle, id } = client
    const request = requestFor(stream)
    this.#say(`using the stale handle of ${JSON.stringify(id)}`)
    this.#mustBeRefused('ERR_UNKNOWN_CONNECTION', () => handle.subscribe(request))
    this.#mustBeRefused('ERR_UNKNOWN_CONNECTION', () => handle.reassign(this.#scene.dice.pick(this.#scene.model.users).id))
    if (handle.unsubscribe(request) || !handle.removed) this.#scene.complain('A stale handle does something')
    this.sendText(client)
    handle.flush()
    handle.drained()
    void handle.remove()
  }

  // Subscriptions

  subscribe(client: Client, stream: Stream): void {
    this.#say(`subscribing ${JSON.stringify(client.id)} to ${stream.head}`)
    const subscribe = (): unknown => client.handle.subscribe(requestFor(stream))
    if (!this.isAllowed(client.user.id, stream.type.name)) return this.#mustBeRefused('ERR_FORBIDDEN', subscribe)
    this.#scene.happenings.subscribes++
    this.#scene.model.holdForClient(client, stream)
    subscribe()
  }

  subscribeUser(user: User, stream: Stream): void {
    this.#say(`subscribing user ${JSON.stringify(user.id)} to ${stream.head}`)
    const subscribe = (): unknown => this.#scene.manager.addSubscription({ userId: user.id, ...requestFor(stream) })
    if (!this.isAllowed(user.id, stream.type.name)) return this.#mustBeRefused('ERR_FORBIDDEN', subscribe)
    this.#scene.happenings.subscribes++
    this.#scene.model.holdForUser(user, stream)
    subscribe()
  }

  unsubscribe(client: Client, stream: Stream): void {
    const { complain, happenings, model } = this.#scene
    this.#say(`unsubscribing ${JSON.stringify(client.id)} from ${stream.head}`)
    happenings.unsubscribes++
    const expected = model.letGo(client, stream)
    if (client.handle.unsubscribe(requestFor(stream)) !== expected) complain('unsubscribe answers otherwise', stream.head)
  }

  unsubscribeUser(user: User, stream: Stream): void {
    const { complain, happenings, manager, model } = this.#scene
    this.#say(`unsubscribing user ${JSON.stringify(user.id)} from ${stream.head}`)
    happenings.unsubscribes++
    const expected = model.end(user, stream)
    if (manager.removeSubscription({ userId: user.id, ...requestFor(stream) }) !== expected) complain('removeSubscription answers otherwise', stream.head)
  }

  /** Something of one user's: all of it, a type, a stream, or a symbol of every type. */
  revokeFrom(user: User, { type, symbol }: Stream): void {
    const { dice } = this.#scene
    if (symbol !== undefined && dice.chance(0.4)) return this.revoke({ user, type, symbol })
    if (symbol !== undefined && dice.chance(0.2)) return this.revoke({ user, symbol })
    this.revoke(dice.chance(0.8) ? { user, type } : { user })
  }

  revoke(revoked: RevokedStreams): void {
    const { complain, dice, happenings, manager, model } = this.#scene
    const { user, type, symbol } = revoked
    const request = { userId: user?.id, streamType: type?.name, symbol }
    this.#say(`revoking ${JSON.stringify(request)}`)
    if (user !== undefined && type !== undefined && dice.chance(0.5)) this.#banned.add(banOf(user.id, type.name))
    const expected = model.revoke(revoked)
    const ended = manager.revoke(request)
    happenings.revocations++
    happenings.revoked += ended
    if (ended !== expected) complain('revoke ends another number of subscriptions', `${ended} instead of ${expected}`)
  }

  #mustBeRefused(code: string, call: () => unknown): void {
    this.#scene.happenings.refusals++
    try {
      call()
    } catch (error) {
      if ((error as { code?: unknown }).code === code) return
      throw error
    }
    this.#scene.complain(`What must be refused with ${code} was accepted`)
  }

  #say(what: string): void {
    this.#scene.doing = what
  }
}

function requestFor({ type: { name: streamType }, symbol }: Stream): { streamType: string; symbol: string | undefined } {
  return { streamType, symbol }
}

function banOf(userId: string, streamType: string): string {
  return JSON.stringify([userId, streamType])
}
