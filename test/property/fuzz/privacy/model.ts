import type { Client, Remission } from './client.ts'
import { Message, type Address, type Told } from './message.ts'
import { peopleOf, type User } from './people.ts'
import { OWN_TEXTS, STREAMS, type Stream, type StreamType } from './streams.ts'

/** What is revoked: each that is absent stands for any. */
export interface RevokedStreams {
  readonly user?: User | undefined
  readonly type?: StreamType | undefined
  readonly symbol?: string | undefined
}

/** What became of all messages, in connections. */
export interface Accounts {
  matched: number
  arrived: number
  conflated: number
  withdrawn: number
  dropped: number
  rejected: number
  /** Notices, and what recorders have for those who are left out. */
  told: number
}

/**
 * Who is connected, who holds what, and which message is therefore to arrive where: by flat facts alone, without an id or a
 * key anywhere.
 *
 * The facts are the sets of what each user and each connection holds. Who sits in a stream follows from them, and is kept
 * up to date for speed: `brute` computes it anew.
 */
export class Model {
  readonly users: readonly User[]
  readonly clients = new Set<Client>()
  readonly accounts: Accounts = { matched: 0, arrived: 0, conflated: 0, withdrawn: 0, dropped: 0, rejected: 0, told: 0 }
  /** How much is owed to sockets that take everything within the call, and to those that do by the end of the tick. */
  owedPromptly = 0
  owedThisTick = 0
  /** What is being delivered, as far as the model knows. */
  running: Message | undefined
  /** Notices of the host, by their numbers. */
  readonly told: Told[] = []
  /** Whose sources of private streams have ever failed. */
  readonly failed = new Map<User, Set<Stream>>()
  readonly #slots: readonly Map<Client, number>[] = STREAMS.map(() => new Map())
  #clock = 0
  #nextMessage = 0
  readonly #messages: Message[] = []
  readonly #deferred: Message[] = []
  /** To whom something may arrive or not. */
  readonly #open = new Set<Client>()
  /** Taken out, and perhaps about to be handed what waits for them. */
  readonly #leaving = new Set<Client>()
  /** Being serialized at this moment in order to be deferred: revoked like those that are. */
  readonly #upcoming = new Set<Message>()
  readonly remit = (what: Remission, count: number, client: Client): void => this.#remit(what, count, client)

  constructor(users: number) {
    this.users = peopleOf(users)
  }

  // Who is entitled

  hasSlot(client: Client, { number }: Stream): boolean {
    return this.#slotsIn(number).has(client)
  }

  /** Whether a subscription exists, whoever holds it. */
  isSubscribed(user: User, stream: Stream): boolean {
    return user.holds.has(stream) || user.clients.some(({ own }) => own.has(stream))
  }

  /** Each user's subscriptions, computed from the facts. */
  subscriptionsOf(user: User): Set<Stream> {
    return new Set([...user.holds, ...user.clients.flatMap(({ own }) => [...own])])
  }

  /** Where who sits in the streams does not follow from the facts. */
  *brute(): Generator<string, undefined> {
    for (const stream of STREAMS) {
      const slots = this.#slotsIn(stream.number)
      const entitled = [...this.clients].filter(({ own, user }) => own.has(stream) || user.holds.has(stream))
      if (entitled.length !== slots.size || !entitled.every((client) => slots.has(client))) yield `The model contradicts itself in ${stream.head}`
    }
  }

  // Changes

  connect(client: Client): void {
    this.clients.add(client)
    client.user.clients.push(client)
    for (const stream of client.user.holds) this.#addSlot(client, stream)
  }

  /** Takes a connection out; what is owed to it stays owed until `forget`. */
  takeOut(client: Client): void {
    const { user } = client
    client.isRemoved = true
    this.#leaving.add(client)
    this.clients.delete(client)
    user.clients.splice(user.clients.indexOf(client), 1)
    for (const stream of [...client.own, ...user.holds]) this.#slotsIn(stream.number).delete(client)
    if (user.clients.length === 0) user.holds.clear()
  }

  /**
   * Gives a connection to another user. What it holds of public streams goes with it, as far as that user may have it. What is owed to it of public
   * streams stays owed, whether or not it is still subscribed. Nothing else is.
   */
  reassign(client: Client, to: User, isAllowed: (type: StreamType) => boolean): void {
    const { user: from, own } = client
    const isFor = ({ stream: { type }, owner }: Message): boolean => (type.isPrivate ? owner === to : isAllowed(type))
    const held = new Set([...own, ...from.holds])
    for (const stream of own) if (stream.type.isPrivate || !isAllowed(stream.type)) own.delete(stream)
    for (const stream of held) {
      const staysIn = !stream.type.isPrivate && (own.has(stream) || to.holds.has(stream))
      if (!staysIn) this.#slotsIn(stream.number).delete(client)
    }
    from.clients.splice(from.clients.indexOf(client), 1)
    if (from.clients.length === 0) from.holds.clear()
    to.clients.push(client)
    client.user = to
    for (const stream of to.holds) this.#addSlot(client, stream)
    client.withdraw((message) => !isFor(message), 'its connection was given to another user')
    for (const message of this.unbegun) if (!isFor(message)) message.exclude(client)
    this.#moveWhileRunning(client)
  }

  /** Nothing may arrive at it any more. */
  forget(client: Client): void {
    this.#leaving.delete(client)
    client.withdraw(() => true, 'its connection was removed')
  }

  holdForUser(user: User, stream: Stream): void {
    user.holds.add(stream)
    for (const client of user.clients) this.#addSlot(client, stream)
  }

  holdForClient(client: Client, stream: Stream): void {
    client.own.add(stream)
    this.#addSlot(client, stream)
  }

  letGo(client: Client, stream: Stream): boolean {
    if (!client.own.delete(stream)) return false
    if (!client.user.holds.has(stream)) this.#removeSlot(client, stream)
    return true
  }

  /** Ends a subscription for all of its holders; false if there is none. */
  end(user: User, stream: Stream): boolean {
    if (!this.isSubscribed(user, stream)) return false
    user.holds.delete(stream)
    for (const client of user.clients) {
      client.own.delete(stream)
      if (this.hasSlot(client, stream)) this.#removeSlot(client, stream)
    }
    return true
  }

  /** Ends what brings the revoked streams, and withdraws their messages; how many subscriptions ended. */
  revoke(revoked: RevokedStreams): number {
    let ended = 0
    for (const user of revoked.user === undefined ? this.users : [revoked.user]) {
      for (const stream of this.subscriptionsOf(user)) if (brings(stream, revoked) && this.end(user, stream)) ended++
    }
    const isConcerned = ({ user }: Client): boolean => revoked.user === undefined || revoked.user === user
    for (const client of [...(revoked.user?.clients ?? this.clients), ...this.#leaving]) {
      if (isConcerned(client)) client.withdraw(({ stream }) => isOf(stream, revoked), 'it was revoked')
    }
    for (const message of [...this.#deferred, ...this.#upcoming]) if (isOf(message.stream, revoked)) message.exclude(revoked.user ?? 'everybody')
    return ended
  }

  // Messages

  compose(stream: Stream, owner: User | undefined, address: Address): Message {
    const message = new Message(this.#nextMessage++, stream, owner, address)
    this.#messages.push(message)
    return message
  }

  messageOf(number: number): Message | undefined {
    return this.#messages[number]
  }

  /** Nothing is being delivered any more: whatever waited its turn has had it. */
  rest(): void {
    this.beginDeferred()
    this.running?.rest()
    this.running = undefined
  }

  /** Lets a message's delivery begin: to whom it goes is settled now. Returns how many there are. */
  begin(message: Message): number {
    const recipients = this.#recipientsOf(message)
    this.endRunning()
    this.running = message
    this.#upcoming.delete(message)
    message.begunAt = this.#clock
    message.recipients = recipients
    message.isDeferred = false
    // A text to a connection that has gone matches that, and is skipped.
    const matched = message.stream === OWN_TEXTS ? 1 : recipients.length
    this.accounts.matched += matched
    message.matched = matched
    for (const client of recipients) {
      if (message.excludes(client)) this.accounts.withdrawn++
      else this.#owe(client, message)
    }
    return matched
  }

  /** What was being delivered is, to everybody. */
  endRunning(): void {
    this.running?.rest()
    this.running = undefined
  }

  /** The turn of all that were deferred before this one has come. */
  beginDeferredBefore(message: Message): void {
    while (this.#deferred.length > 0 && this.#deferred[0] !== message) this.begin(this.#deferred.shift() as Message)
  }

  /** What a connection is owed of a stream, or without a symbol of a type, is purged. */
  purge(client: Client, { type, symbol }: Stream): void {
    client.withdraw(({ stream }) => isOf(stream, { type, symbol }), 'it was purged')
  }

  /** A message is being serialized while another is delivered. */
  comeUp(message: Message): void {
    this.#upcoming.add(message)
  }

  /** A message waits its turn. */
  defer(message: Message): void {
    this.#upcoming.delete(message)
    message.isDeferred = true
    this.#deferred.push(message)
  }

  /** Those whose delivery has not begun. */
  get unbegun(): readonly Message[] {
    return [...this.#upcoming, ...this.#deferred]
  }

  /** Whether messages wait whose turn the model has not seen come. */
  get hasDeferred(): boolean {
    return this.#deferred.length > 0
  }

  /** One that waited has arrived somewhere: its turn has come, and that of all before it. Without one, everybody's has. */
  beginDeferred(upTo?: Message): void {
    this.beginDeferredUntil((begun) => begun !== undefined && begun === upTo)
  }

  /** The turn of those that wait has come, one after the other, until enough are through. */
  beginDeferredUntil(areEnough: (begun?: Message) => boolean): void {
    let begun: Message | undefined
    while (!areEnough(begun) && (begun = this.#deferred.shift()) !== undefined) this.begin(begun)
  }

  /** What may arrive or not by the end of a tick, and has not, never will; where nobody may wait any more, all of it. */
  closeOpen(mayAnybodyWait: boolean): void {
    for (const client of this.#open) {
      if (mayAnybodyWait && client.temper.mayWait) continue
      client.closeOpen()
      this.#open.delete(client)
    }
  }

  /** A message has arrived at a connection. */
  arrive(client: Client, message: Message): ReturnType<Client['take']> {
    const arrival = client.take(message)
    if (arrival === 'uncalled for') return arrival
    this.accounts.arrived++
    this.#owedLess(client, 1)
    return arrival
  }

  #recipientsOf({ stream, owner, address, except }: Message): Client[] {
    if (address === 'everybody') return [...this.clients]
    if (address === 'subscribers') return this.#subscribedTo(stream, owner).filter((client) => !except.has(client))
    if ('user' in address) return [...address.user.clients]
    return address.client.isRemoved ? [] : [address.client]
  }

  #subscribedTo(stream: Stream, owner: User | undefined): Client[] {
    return owner === undefined ? this.#subscribers(stream) : owner.clients.filter((client) => this.#covers(client, stream))
  }

  #subscribers({ number, type }: Stream): Client[] {
    const exact = this.#slotsIn(number)
    const recipients = [...exact.keys()]
    const whole = type.whole && this.#slotsIn(type.whole.number)
    if (whole !== undefined && whole !== exact) for (const client of whole.keys()) if (!exact.has(client)) recipients.push(client)
    return recipients
  }

  #covers(client: Client, stream: Stream): boolean {
    const { whole } = stream.type
    return this.hasSlot(client, stream) || (whole !== undefined && this.hasSlot(client, whole))
  }

  #slotsIn(stream: number): Map<Client, number> {
    return this.#slots[stream] as Map<Client, number>
  }

  #addSlot(client: Client, { number }: Stream): void {
    const slots = this.#slotsIn(number)
    if (!slots.has(client)) slots.set(client, ++this.#clock)
  }

  /** Who sits in a stream no more is owed nothing of what nothing else covers. */
  #removeSlot(client: Client, stream: Stream): void {
    const { running } = this
    this.#slotsIn(stream.number).delete(client)
    const isConcerned = (message: Message): boolean => message !== running && isPartOf(message.stream, stream) && !this.#covers(client, message.stream)
    client.withdraw(isConcerned, 'it was unsubscribed from')
    if (running !== undefined && isPartOf(running.stream, stream) && client.owes(running)) this.#removeSlotWhileRunning(client, running)
  }

  /**
   * The message that is being delivered may have come as far as the connection's queue, or not. If not, what counts is whether
   * a slot of the start is left; in the queue, whether anything covers it now. Where the two say the same, all is clear.
   */
  #removeSlotWhileRunning(client: Client, running: Message): void {
    const isReachedInTurn = running.address !== 'subscribers' || this.#hadSlotAtTheStart(client, running)
    const isKept = client.temper.isPrompt ? isReachedInTurn : this.#covers(client, running.stream)
    if (isReachedInTurn !== isKept) this.#leaveOpen(client, running)
    else if (!isKept) client.withdraw((message) => message === running, 'it was unsubscribed from')
  }

  /** The message that is being delivered may have come as far as the connection's queue, where it stays. */
  #moveWhileRunning(client: Client): void {
    const { running } = this
    if (running?.address !== 'subscribers' || !client.owes(running) || this.#hadSlotAtTheStart(client, running)) return
    if (client.temper.isPrompt) client.withdraw((message) => message === running, 'only its former user was subscribed')
    else this.#leaveOpen(client, running)
  }

  #leaveOpen(client: Client, message: Message): void {
    client.leaveOpen(message)
    this.#open.add(client)
  }

  #hadSlotAtTheStart(client: Client, { stream, begunAt }: Message): boolean {
    const { whole } = stream.type
    const hadSlotIn = (each: Stream | undefined): boolean => each !== undefined && (this.#slotsIn(each.number).get(client) ?? Infinity) <= begunAt
    return hadSlotIn(stream) || hadSlotIn(whole)
  }

  #owe(client: Client, message: Message): void {
    client.owe(message)
    this.#owedLess(client, -1)
  }

  #remit(what: Remission, count: number, client: Client): void {
    this.accounts[what] += count
    this.#owedLess(client, count)
  }

  #owedLess({ temper: { isPrompt, mayWait } }: Client, count: number): void {
    if (isPrompt) this.owedPromptly -= count
    else if (!mayWait) this.owedThisTick -= count
  }
}

/** Whether a message is of the streams that were revoked. */
function isOf(stream: Stream, revoked: RevokedStreams): boolean {
  const { type, symbol } = stream
  if (stream === OWN_TEXTS) return false
  return (revoked.type === undefined || revoked.type === type) && (revoked.symbol === undefined || revoked.symbol === symbol)
}

/** Whether a subscription to a stream brings what is revoked: it is one of those, or a whole type that covers one. */
function brings(stream: Stream, revoked: RevokedStreams): boolean {
  const isWholeType = stream === stream.type.whole && stream.type.streams.length > 1
  return isOf(stream, isWholeType ? { type: revoked.type } : revoked)
}

/** Whether a slot in one stream brings another: the same, or one of its whole type. */
function isPartOf(stream: Stream, subscribed: Stream): boolean {
  return stream === subscribed || (subscribed === stream.type.whole && subscribed.type.streams.length > 1)
}
