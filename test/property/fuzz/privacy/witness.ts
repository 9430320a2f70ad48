import type { CloseReason } from '../../../../src/index.ts'
import type { Client } from './client.ts'
import { describe, skipText, type Message, type Told } from './message.ts'
import { Reader } from './reader.ts'
import type { Scene } from './scene.ts'
import type { Reception } from './sockets.ts'
import type { Stream } from './streams.ts'

/** Per text. */
const SHARE_OF_FAILURES = 0.000_02
/** How often a socket that may wait takes only some of what it is offered. */
const SHARE_OF_PARTIAL_WRITES = 0.02
/** How often somebody who is given a text does something in return. */
const SHARE_OF_REACTIONS = 0.002
const SHARE_OF_REACTIONS_TO_SKIPS = 0.1
const SHARE_OF_REACTIONS_TO_RECORDS = 0.02
/** How often it does where more than usual is at stake: while it takes only some of what it is given, or is on its way out. */
const SHARE_OF_REACTIONS_AT_STAKE = 0.5

/** Whoever does something in return. */
export interface Reacting {
  /** From within the socket of this client, to a message that has just arrived. */
  reactAs(client: Client, message: Message | undefined): void
  /** From within the serialization of a message. */
  reactWhileSerializing(): void
}

/** Sees every text that reaches a socket, and says whether it may have. */
export class Witness implements Reception {
  readonly #scene: Scene
  readonly #reader: Reader
  readonly #reacting: Reacting

  constructor(scene: Scene, reacting: Reacting) {
    this.#scene = scene
    this.#reader = new Reader(scene.model)
    this.#reacting = reacting
  }

  receive(client: Client, texts: readonly string[]): unknown {
    const { complain, dice, isPeaceful } = this.#scene
    if (client.hasThrown) complain('A message was handed to a socket that had failed', texts[0])
    if (isPeaceful) return this.#takeAll(client, texts)
    if (dice.chance(SHARE_OF_FAILURES)) return this.#fail(client, texts)
    const accepted = this.#acceptedOf(client, texts.length)
    this.#takeAll(client, accepted === texts.length ? texts : texts.slice(0, accepted))
    const isMuchAtStake = accepted < texts.length || client.isRemoved
    if (dice.chance(isMuchAtStake ? SHARE_OF_REACTIONS_AT_STAKE : SHARE_OF_REACTIONS)) this.#react(client, texts[0] as string)
    if (dice.chance(SHARE_OF_FAILURES)) return this.#reject(client, accepted)
    return accepted === texts.length ? undefined : accepted
  }

  serializing(): void {
    this.#reacting.reactWhileSerializing()
  }

  /** Notes that the manager has removed a connection by itself, and sees whether it had to. */
  noteRemoval(id: string, reason: CloseReason): void {
    if (reason !== 'send-failed' && reason !== 'slow-consumer') return
    const { complain, gone, happenings, isRecording, manager, model } = this.#scene
    // A message to nobody but queues arrives nowhere when its turn comes: that it did is only seen in how many were matched.
    // With notices nobody can tell.
    if (!isRecording) model.beginDeferredUntil(() => model.accounts.matched >= manager.stats().matched)
    const client = [...model.clients].find((each) => each.id === id)
    if (client === undefined) return complain('A connection was removed that there is not', id)
    const isExpected = reason === 'slow-consumer' ? client.temper.mayWait : client.hasThrown || client.hasRejected
    if (!isExpected) complain(`A connection was removed without a reason: ${reason}`, id)
    happenings.removals++
    gone.push(client)
    model.takeOut(client)
    model.forget(client)
  }

  #acceptedOf({ temper: { mayWait, name } }: Client, offered: number): number {
    const { dice } = this.#scene
    return mayWait && name !== 'metered' && dice.chance(SHARE_OF_PARTIAL_WRITES) ? dice.below(offered + 1) : offered
  }

  #takeAll(client: Client, texts: readonly string[]): void {
    for (const text of texts) this.#take(client, text)
  }

  /** The recorder is asked: to whom the message goes is settled when it has answered. */
  recording(text: string): string {
    const { complain, dice, isPeaceful, model } = this.#scene
    const { message } = this.#reader.read(text)
    if (message === undefined) complain('Something else was recorded than what was published', text)
    if (message === undefined) return text
    if (message.isDeferred) model.beginDeferredBefore(message)
    model.endRunning()
    if (!isPeaceful && dice.chance(SHARE_OF_REACTIONS_TO_RECORDS)) this.#reactToRecord(message)
    if (message.isDeferred) model.beginDeferred(message)
    else model.begin(message)
    return text
  }

  /** One of those whom the message may be for does something. */
  #reactToRecord(message: Message): void {
    const { depth, dice, model } = this.#scene
    const concerned = message.owner?.clients ?? [...model.clients]
    if (concerned.length > 0 && depth <= 2) this.#reacting.reactAs(dice.pick(concerned), message)
  }

  /** The recorder is asked what those are told who were left out. */
  skipping(text: string): string {
    const { complain, dice, isPeaceful, model } = this.#scene
    const { message } = this.#reader.read(text)
    if (message === undefined || message.except.size === 0) complain('Somebody was left out of a message that leaves nobody out', text)
    if (message === undefined) return text
    model.endRunning()
    const somebody = dice.pick([...message.except])
    if (!isPeaceful && dice.chance(SHARE_OF_REACTIONS_TO_SKIPS)) this.#reacting.reactAs(somebody, message)
    return skipText(message)
  }

  #take(client: Client, text: string): void {
    const { message, dropped, skipped, told, objection } = this.#reader.read(text)
    if (message !== undefined) this.#takeMessage(client, message)
    else if (skipped !== undefined) this.#takeSkip(client, skipped)
    else if (told !== undefined) this.#takeTold(client, told)
    else if (dropped !== undefined) this.#takeNotice(client, dropped.stream, dropped.count)
    else this.#scene.complain('A text is not what was published', `${objection}\n${text}`)
  }

  #takeMessage(client: Client, message: Message): void {
    const { complain, happenings, model } = this.#scene
    const { owner } = message
    if (client.handle.userId !== client.user.id) complain('A message was handed over after its connection was given away, in the same call', describe(message, client))
    if (owner !== undefined) happenings.privateDeliveries++
    if (owner !== undefined && owner !== client.user) complain('LEAK: a private message reached another user', describe(message, client))
    this.#noteItsTurn(message)
    const arrival = model.arrive(client, message)
    if (arrival === 'out of order') complain('A message arrived before, or without, one that was to come first', describe(message, client))
    if (arrival === 'uncalled for') complain(client.complaintOf(message), describe(message, client))
  }

  #takeNotice(client: Client, stream: Stream, count: number): void {
    if (!client.drop(stream, count)) this.#scene.complain('A notice tells of more than was owed', `${count} of ${stream.head} to ${client.id}`)
  }

  #takeSkip(client: Client, message: Message): void {
    const { complain, happenings, model } = this.#scene
    happenings.skips++
    model.accounts.told++
    if (!message.except.has(client)) complain('LEAK: a connection was told of a message that did not leave it out', describe(message, client))
    if (message.owner !== undefined && message.owner !== client.user) complain('LEAK: a connection was told of a private message of another user', describe(message, client))
  }

  #takeTold(client: Client, { owner, status }: Told): void {
    const { complain, happenings, manager, model } = this.#scene
    happenings.told++
    model.accounts.told++
    // A connection that is being given away is told as the new user's, before the call returns.
    const userId = manager.getConnection(client.id)?.userId ?? client.user.id
    const user = model.users.find(({ id }) => id === userId)
    if (owner !== undefined && owner !== user) complain('LEAK: a notice of a private stream reached another user', `${owner.id}'s, at ${client.id} of ${userId}`)
    if (status !== undefined && (user === undefined || model.failed.get(user)?.has(status) !== true)) complain('LEAK: the status of a private stream reached another user', `${status.head} at ${client.id} of ${userId}`)
  }

  #noteItsTurn(message: Message): void {
    if (message.isDeferred) this.#scene.model.beginDeferred(message)
  }

  /** It throws, and takes nothing; what it was given has to have been meant for it all the same. */
  #fail(client: Client, texts: readonly string[]): never {
    for (const text of texts) {
      const { message } = this.#reader.read(text)
      if (message === undefined) continue
      this.#noteItsTurn(message)
      if (!client.owes(message)) this.#scene.complain(client.complaintOf(message), describe(message, client))
    }
    client.hasThrown = true
    throw new Error('a socket throws')
  }

  #reject(client: Client, accepted: number): Promise<never> {
    client.hasRejected = true
    this.#scene.model.accounts.rejected += accepted
    return Promise.reject(new Error('a socket rejects'))
  }

  #react(client: Client, text: string): void {
    const { depth, model } = this.#scene
    const { message } = this.#reader.read(text)
    // Where others wait for their turn, the model knows whose it is only by what a prompt socket is given: whatever else is
    // written may have waited before.
    const isItsTurn = !model.hasDeferred || (client.temper.isPrompt && message !== undefined && message === model.running)
    // A connection that is being added is told of failed sources before the host has its handle.
    const hasHandle = (client.handle as typeof client.handle | undefined) !== undefined
    // One that is being given away is told before the call returns, and the model follows only then.
    const isModelled = hasHandle && client.handle.userId === client.user.id
    if (isItsTurn && depth <= 1 && isModelled) this.#reacting.reactAs(client, message)
  }
}
