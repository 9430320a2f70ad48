import type { Dice } from '../../../support/dice.ts'
import type { Client } from './client.ts'
import type { Message } from './message.ts'
import type { Model } from './model.ts'
import { LOOKALIKES, type User } from './people.ts'
import { OWN_TEXTS, STREAMS, type Stream } from './streams.ts'

/** How often it is one of those with names to be confused. */
const SHARE_OF_LOOKALIKES = 0.15
const SHARE_OF_PRIVATE = 0.7

const PRIVATE_STREAMS = STREAMS.filter(({ type }) => type.isPrivate)
const PUBLIC_STREAMS = STREAMS.filter(({ type }) => !type.isPrivate)

/** Whom and what something is about. */
export interface Subject {
  readonly user: User
  /** One of theirs, if they have any. */
  readonly client: Client | undefined
  readonly stream: Stream
}

/** Picks whom and what things happen to. */
export class Choice {
  readonly #dice: Dice
  readonly #model: Model

  constructor(dice: Dice, model: Model) {
    this.#dice = dice
    this.#model = model
  }

  user(): User {
    const { users } = this.#model
    return this.#dice.chance(SHARE_OF_LOOKALIKES) ? (users[this.#dice.below(Math.min(LOOKALIKES, users.length))] as User) : this.#dice.pick(users)
  }

  stream(): Stream {
    return this.#dice.pick(STREAMS)
  }

  /** Any, or one that covers, or is covered by, what a user holds. */
  streamToSubscribe(user: User): Stream {
    if (this.#dice.chance(0.7)) return this.stream()
    const { type } = this.streamHeldBy(user)
    return type.whole !== undefined && this.#dice.chance(0.5) ? type.whole : this.#dice.pick(type.streams)
  }

  /** One of a user's connections, if there are any. */
  clientOf({ clients }: User): Client | undefined {
    return clients.length === 0 ? undefined : this.#dice.pick(clients)
  }

  /** A stream that has something to say to, or beside, a user. */
  streamToPublish(user: User): Stream {
    return this.#dice.chance(SHARE_OF_PRIVATE) ? this.#privateStreamFor(user) : this.#dice.pick(PUBLIC_STREAMS)
  }

  /** Mostly something that a user holds. */
  streamHeldBy(user: User): Stream {
    const held = [...this.#model.subscriptionsOf(user)]
    return held.length > 0 && this.#dice.chance(0.8) ? this.#dice.pick(held) : this.stream()
  }

  /** This user, and this stream or its whole type. */
  subjectOf(user: User, stream: Stream): Subject {
    return { user, client: this.clientOf(user), stream: this.#itOrItsWhole(stream) }
  }

  /** Mostly about what is being delivered, or waits its turn, and somebody who has to do with it. */
  subjectFor(reacting: Client, arrived: Message | undefined): Subject {
    const dice = this.#dice
    const { running = arrived, unbegun } = this.#model
    const message = unbegun.length > 0 && dice.chance(0.6) ? dice.pick(unbegun) : running
    const user = this.#userConcerned(message, reacting)
    const isItself = reacting.user === user && !reacting.isRemoved && dice.chance(0.5)
    return { user, client: isItself ? reacting : this.clientOf(user), stream: this.#streamConcerned(message) }
  }

  /** Mostly one that the user, or one of their connections, listens to. */
  #privateStreamFor(user: User): Stream {
    const dice = this.#dice
    const held = [...user.holds, ...(this.clientOf(user)?.own ?? [])].filter(({ type }) => type.isPrivate)
    if (held.length === 0 || dice.chance(0.2)) return dice.pick(PRIVATE_STREAMS)
    const stream = dice.pick(held)
    return stream === stream.type.whole ? dice.pick(stream.type.streams) : stream
  }

  #userConcerned(message: Message | undefined, { user }: Client): User {
    const dice = this.#dice
    if (message === undefined || dice.chance(0.1)) return user
    const { address, owner, recipients } = message
    if (typeof address === 'object') return 'user' in address ? address.user : address.client.user
    if (owner !== undefined) return owner
    return recipients.length === 0 ? user : dice.pick(recipients).user
  }

  #streamConcerned(message: Message | undefined): Stream {
    if (message === undefined || message.stream === OWN_TEXTS || this.#dice.chance(0.1)) return this.stream()
    return this.#itOrItsWhole(message.stream)
  }

  #itOrItsWhole(stream: Stream): Stream {
    const { whole } = stream.type
    return whole !== undefined && this.#dice.chance(0.3) ? whole : stream
  }
}
