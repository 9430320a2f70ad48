import type { Subscription } from '../../../../../src/index.ts'
import { codeOf } from '../codes.ts'
import type { Stage } from '../stage.ts'
import { call, type Call } from './call.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** A view where a request or a reference is meant, which is accepted as it is. */
function kept({ dice, keep }: Stage): Subscription | undefined {
  return keep.views.items.length > 0 && dice.chance(0.1) ? dice.pick(keep.views.items) : undefined
}

function added(stage: Stage, subscription: Subscription): Subscription {
  stage.expect(typeof subscription.key === 'string', 'A subscription has no key')
  stage.keep.views.add(subscription)
  return subscription
}

function addSubscription(stage: Stage): unknown {
  const view = kept(stage)
  if (view !== undefined) return added(stage, stage.manager.addSubscription(view as never))
  return added(stage, stage.give(stage.arguments.request(), (request) => stage.manager.addSubscription(request)))
}

function subscribe(stage: Stage): unknown {
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const view = kept(stage)
  if (view !== undefined) return added(stage, handle.subscribe(view as never))
  return added(stage, stage.give(stage.arguments.ownRequest(handle.userId), (request) => handle.subscribe(request)))
}

/** What a connection holds is its user's, and what it asked for cannot be changed. */
function subscriptions(stage: Stage): unknown {
  const own = stage.handle()?.subscriptions() ?? []
  for (const { subscription, filters } of own) {
    stage.expect(['CONNECTED', 'RECONNECTING', 'ERROR'].includes(subscription.status), 'A connection holds what is not connected')
    stage.expect(filters === undefined || Object.isFrozen(filters), 'The filters of a connection can be changed')
  }
  return own.splice(0).map((each) => stage.expect(Object.isFrozen(each), 'What a connection holds can be changed'))
}

/** Whatever else is right or wrong about it, a field that there is not is never passed over. */
function misspelt(stage: Stage): unknown {
  const handle = stage.handle()
  const { manager } = stage
  const calls: readonly ((given: never) => unknown)[] = [
    (given) => manager.addSubscription(given),
    (given) => manager.removeSubscription(given),
    (given) => manager.revoke(given),
    ...(handle === undefined ? [] : [(given: never) => handle.subscribe(given), (given: never) => handle.unsubscribe(given)]),
  ]
  return stage.give(stage.arguments.misspelt(), (given) => {
    let code: unknown
    try {
      stage.dice.pick(calls)(given)
    } catch (error) {
      code = codeOf(error)
    }
    stage.expect(code === 'ERR_INVALID_ARGUMENT' || code === 'ERR_CLOSED', `A request with a field that there is not: ${String(code)}`)
  })
}

/** A reference, mostly to what there is. */
function reference(stage: Stage): unknown {
  const { dice, manager, names } = stage
  const held = dice.chance(0.3) ? manager.getUserSubscriptions(dice.pick(names.users)) : []
  return held.length > 0 ? dice.pick(held) : kept(stage)
}

function removeSubscription(stage: Stage): unknown {
  const known = reference(stage)
  if (known !== undefined) return stage.manager.removeSubscription(known as Subscription)
  return stage.give(stage.arguments.reference(), (given) => stage.manager.removeSubscription(given))
}

function unsubscribe(stage: Stage): unknown {
  const handle = stage.handle()
  const known = reference(stage)
  if (known !== undefined) return handle?.unsubscribe(known as Subscription)
  return stage.give(stage.arguments.reference(), (given) => handle?.unsubscribe(given))
}

function revoke(stage: Stage): unknown {
  const before = stage.manager.subscriptionCount
  const ended = stage.give(stage.arguments.revocation(), (revocation) => stage.manager.revoke(revocation))
  stage.expect(Number.isSafeInteger(ended) && ended >= 0 && ended <= before + 1_000, 'revoke answers with no count')
  return ended
}

function readView(stage: Stage): unknown {
  const { items } = stage.keep.views
  if (items.length === 0) return undefined
  const view = stage.dice.pick(items)
  const { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key } = view
  stage.expect(['PENDING', 'CONNECTED', 'DISCONNECTED', 'RECONNECTING', 'ERROR'].includes(status), 'A view has no status')
  stage.expect(filters === undefined || Object.isFrozen(filters), 'The filters of a view can be changed')
  stage.expect(!Number.isNaN(createdAt.getTime()), 'A view was created at no time')
  if (status === 'DISCONNECTED') stage.expect(!stage.manager.getUserSubscriptions(userId).includes(view), 'A subscription that has ended is held')
  return [streamType, symbol, lastUpdate, key, (view as unknown as { toJSON(): unknown }).toJSON(), (view as unknown as Record<symbol, () => unknown>)[INSPECT]?.()]
}

/** Subscriptions: that begin, are looked for, and end. */
export const subscriptionCalls: readonly Call[] = [
  call('addSubscription', 9, addSubscription),
  call('removeSubscription', 3, removeSubscription),
  call('revoke', 1, revoke),
  call('getUserSubscriptions', 2, ({ manager, names }) => manager.getUserSubscriptions(names.userId() as string).length),
  call('getSubscribers', 2, ({ manager, names }) => manager.getSubscribers(names.streamType() as string, names.symbol() as string).length),
  call('handle.subscribe', 9, subscribe),
  call('handle.unsubscribe', 3, unsubscribe),
  call('handle.subscriptions', 2, subscriptions),
  call('a field that there is not', 0.5, misspelt),
  call('view: every getter', 3, readView),
]
