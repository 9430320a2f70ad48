import { type Dice } from '../../../support/dice.ts'
import { Lottery } from '../lottery.ts'
import type { Choice, Subject } from './choice.ts'
import type { Client } from './client.ts'
import type { Deeds } from './deeds.ts'
import type { Model } from './model.ts'
import { STREAM_TYPES } from './streams.ts'

const CONNECTIONS_PER_USER = 2.3
const MOST_HOLDS_OF_USER = 6
const MOST_HOLDS_OF_CLIENT = 8
/** Of those who are gone, how many handles somebody may still use. */
const STALE_HANDLES = 40

/** What changes are made with. */
export interface Means {
  readonly choice: Choice
  readonly deeds: Deeds
  readonly dice: Dice
  readonly model: Model
  readonly gone: readonly Client[]
}

type Change = (means: Means) => void

const connect: Change = ({ choice, deeds, dice, model }) => {
  const isCrowded = model.clients.size > model.users.length * CONNECTIONS_PER_USER
  if (!isCrowded || dice.chance(0.7)) deeds.connect(choice.user())
}

const disconnect: Change = ({ choice, deeds }) => {
  const client = choice.clientOf(choice.user())
  if (client !== undefined) deeds.remove(client)
}

const reassign: Change = ({ choice, deeds }) => {
  const client = choice.clientOf(choice.user())
  if (client !== undefined) deeds.reassign(client, choice.user())
}

const subscribe: Change = ({ choice, deeds, dice }) => {
  const user = choice.user()
  const client = dice.chance(0.65) ? choice.clientOf(user) : undefined
  if (client !== undefined) {
    if (client.own.size < MOST_HOLDS_OF_CLIENT) deeds.subscribe(client, choice.streamToSubscribe(user))
  } else if (user.holds.size < MOST_HOLDS_OF_USER) deeds.subscribeUser(user, choice.streamToSubscribe(user))
}

const unsubscribe: Change = ({ choice, deeds, dice }) => {
  const user = choice.user()
  const client = dice.chance(0.6) ? choice.clientOf(user) : undefined
  if (client === undefined) deeds.unsubscribeUser(user, choice.streamHeldBy(user))
  else deeds.unsubscribe(client, choice.streamHeldBy(user))
}

const revoke: Change = ({ choice, deeds }) => {
  const user = choice.user()
  deeds.revokeFrom(user, choice.streamHeldBy(user))
}

const revokeFromEverybody: Change = ({ deeds, dice }) => {
  const type = dice.pick(STREAM_TYPES)
  const { symbol } = dice.pick(type.streams)
  deeds.revoke(symbol !== undefined && dice.chance(0.9) ? { type, symbol } : { type })
}

const useStaleHandle: Change = ({ choice, deeds, dice, gone }) => {
  if (gone.length > 0) deeds.useStaleHandle(dice.pick(gone.slice(-STALE_HANDLES)), choice.stream())
}

function sendTextTo(client: Client | undefined, deeds: Deeds): void {
  if (client !== undefined) deeds.sendText(client)
}

const notify: Change = ({ choice, deeds, dice }) => {
  const user = choice.user()
  const stream = choice.streamHeldBy(user)
  if (dice.chance(0.5)) deeds.notifyGap(stream, user)
  else if (stream.symbol !== undefined || stream.type.whole !== undefined) deeds.setStatus(stream, user)
}

const purge: Change = ({ choice, deeds }) => {
  const user = choice.user()
  const client = choice.clientOf(user)
  if (client !== undefined) deeds.purge(client, choice.streamHeldBy(user))
}

/** Several changes are one step, and then something is published. */
const batch: Change = (means) => {
  const { choice, deeds, dice } = means
  const changes = [connect, reassign, subscribe, unsubscribe, revoke, purge]
  deeds.batch(() => {
    for (let several = 1 + dice.below(3); several > 0; several--) dice.pick(changes)(means)
    const user = choice.user()
    deeds.publish(choice.streamHeldBy(user), user)
  })
}

/** What happens by itself, as often as its weight says. */
export const CHANGES: Lottery<Change> = new Lottery<Change>([
  [connect, 30],
  [disconnect, 26],
  [reassign, 20],
  [subscribe, 30],
  [unsubscribe, 20],
  [revoke, 6],
  [revokeFromEverybody, 0.05],
  [useStaleHandle, 4],
  [notify, 14],
  [purge, 8],
  [batch, 6],
  [({ choice, deeds }) => sendTextTo(choice.clientOf(choice.user()), deeds), 20],
  [({ deeds }) => deeds.liftBans(), 0.2],
  [({ choice }) => choice.clientOf(choice.user())?.handle.flush(), 4],
  [({ choice }) => choice.clientOf(choice.user())?.handle.drained(), 2],
])

/** What somebody does who is given a text, or asked for one: mostly to whom, or with what, it has to do. */
export const REACTIONS: Lottery<(means: Means, subject: Subject) => void> = new Lottery([
  [({ deeds }, { user, stream }) => deeds.revokeFrom(user, stream), 18],
  [({ deeds }, { user, stream }) => deeds.unsubscribeUser(user, stream), 12],
  [({ deeds }, { client, stream }) => client && deeds.unsubscribe(client, stream), 14],
  [({ deeds }, { client }) => client && deeds.remove(client), 10],
  [({ choice, deeds }, { client }) => client && deeds.replace(client, choice.user()), 5],
  [({ choice, deeds }, { client }) => client && deeds.reassign(client, choice.user()), 14],
  [({ deeds }, { user, stream }) => deeds.publish(stream, user, 0.5), 25],
  [({ deeds }, { client, stream }) => client && deeds.subscribe(client, stream), 12],
  [({ deeds }, { user, stream }) => deeds.subscribeUser(user, stream), 6],
  [({ deeds }, { user }) => deeds.connect(user), 6],
  [({ deeds }, { client, stream }) => client && deeds.purge(client, stream), 6],
  [({ deeds }, { user, stream }) => deeds.notifyGap(stream, user), 6],
  [({ deeds }, { user, stream }) => deeds.setStatus(stream, user), 6],
  [({ deeds }, { user, client, stream }) => deeds.batch(() => (deeds.unsubscribeUser(user, stream), client && deeds.subscribe(client, stream))), 4],
  [({ deeds }, { client }) => sendTextTo(client, deeds), 14],
  [(_, { client }) => client?.handle.flush(), 3],
] as readonly (readonly [(means: Means, subject: Subject) => void, number])[])
