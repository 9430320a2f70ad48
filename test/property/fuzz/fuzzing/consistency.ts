import { parseStreamKey, parseSubscriptionKey, streamKey, type ConnectionManager, type Socket, type Stats, type StreamCatalogue, type Subscription } from '../../../../src/index.ts'
import type { Ceilings } from './options.ts'

type Manager = ConnectionManager<Socket, StreamCatalogue>

/** Where the counts contradict each other; to be asked after every call. */
export function objectionToCounts(manager: Manager): string | undefined {
  const { closed, connectionCount, userCount, subscriptionCount, streamCount } = manager
  if (closed && connectionCount + subscriptionCount > 0) return 'something is left, or came, after cleanup()'
  if (connectionCount !== manager.connectionUsers.size) return 'connectionCount is not the size of connectionUsers'
  if (userCount !== manager.userConnections.size || userCount > connectionCount) return 'userCount is wrong'
  return streamCount > subscriptionCount ? 'there are more streams than subscriptions' : undefined
}

const GAUGES = ['waiting', 'waitingBytes', 'connectionsBehind'] as const satisfies (keyof Stats)[]
const RISING = [
  'matched', 'sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'rejected', 'gapNotices', 'deferred', 'mostWaitingBytes',
] as const satisfies (keyof Stats)[]

/** What each manager's `stats()` said at the last look. */
const looks = new WeakMap<Manager, Stats>()

/** Where the sums of `stats()` do not add up, or a counter has fallen since the last look, which may not be at any moment. */
export function objectionToTotals(manager: Manager): string | undefined {
  const stats = manager.stats()
  const before = looks.get(manager)
  looks.set(manager, stats)
  const { matched, sent, conflated, dropped, failed, skipped, purged, waiting, rejected } = stats
  if (matched !== sent + conflated + dropped + failed + skipped + purged + waiting) return 'stats: the sum is not what was matched'
  if (rejected > sent) return 'stats: more was rejected than sent'
  for (const name of GAUGES) if (!(stats[name] >= 0 && stats[name] < Infinity)) return `stats: ${name} is no amount`
  for (const name of RISING) if (!(stats[name] >= (before?.[name] ?? 0))) return `stats: ${name} has fallen`
  return undefined
}

/** Where the five mappings, the counts and the queries contradict each other; looks at all of the state. */
export function objectionsToState(manager: Manager, streams: StreamCatalogue, ceilings: Ceilings): string[] {
  return [
    ...[objectionToCounts(manager) ?? [], objectionToTotals(manager) ?? []].flat(),
    ...objectionsToConnections(manager),
    ...objectionsToSubscriptions(manager, streams),
    ...objectionsToStreams(manager),
    ...objectionsToActivity(manager),
    ...objectionsToSizes(manager, ceilings),
  ]
}

function objectionsToConnections(manager: Manager): string[] {
  const { activeConnections, connectionUsers, userConnections } = manager
  const check = new Check()
  const handles = [...manager.connections()]
  check.that(handles.length === manager.connectionCount && activeConnections.size === handles.length, 'connections() and the counts differ')
  for (const handle of handles) {
    const { id, userId, socket, removed } = handle
    check.that(isIdentifier(id) && isIdentifier(userId), 'A connection has no proper id', id)
    check.that(!removed && manager.getConnection(id) === handle, 'A live connection is removed, or not found', id)
    check.that(activeConnections.get(id) === socket && activeConnections.has(id), 'activeConnections has another socket', id)
    check.that(connectionUsers.get(id) === userId, 'connectionUsers has another user', id)
    check.that(userConnections.get(userId)?.includes(id) === true, 'userConnections lacks a connection', id)
    check.that(manager.getUserConnections(userId).includes(socket), 'getUserConnections lacks a socket', id)
  }
  const held = [...userConnections]
  check.that(held.length === manager.userCount, 'userConnections and userCount differ')
  check.that(held.every(([, ids]) => ids.length > 0), 'userConnections has an empty entry')
  check.that(sum(held.map(([, ids]) => new Set(ids).size)) === handles.length, 'userConnections has more, or less, than there is')
  return check.objections
}

function objectionsToSubscriptions(manager: Manager, streams: StreamCatalogue): string[] {
  const check = new Check()
  const held = [...manager.userSubscriptions]
  check.that(manager.userSubscriptions.size === held.length, 'The size of userSubscriptions is wrong')
  check.that(sum(held.map(([, subscriptions]) => subscriptions.length)) === manager.subscriptionCount, 'subscriptionCount is wrong')
  for (const [userId, subscriptions] of held) {
    check.that(isIdentifier(userId) && subscriptions.length > 0, 'userSubscriptions has an empty entry, or one of nobody', userId)
    check.that(same(manager.getUserSubscriptions(userId), subscriptions), 'getUserSubscriptions answers otherwise', userId)
    const statuses = manager.userConnections.has(userId) ? ['CONNECTED', 'RECONNECTING', 'ERROR'] : ['PENDING']
    for (const subscription of subscriptions) {
      const isRight = subscription.userId === userId && statuses.includes(subscription.status)
      check.that(isRight, `A subscription is not the user's, or none of ${statuses.join(", ")}`, subscription.key)
      check.that(isOfCatalogue(subscription, streams), 'A subscription is not of the catalogue', subscription.key)
      check.that(isKeyed(subscription), 'A key does not name its subscription', subscription.key)
      check.that(subscribersOf(manager, subscription).includes(userId), 'streamSubscriptions lacks a subscriber', subscription.key)
    }
  }
  return check.objections
}

function objectionsToStreams(manager: Manager): string[] {
  const check = new Check()
  const held = [...manager.streamSubscriptions]
  check.that(held.length === manager.streamCount && manager.streamSubscriptions.size === held.length, 'streamCount is wrong')
  check.that(sum(held.map(([, userIds]) => new Set(userIds).size)) === manager.subscriptionCount, 'streamSubscriptions has more, or less, than there is')
  for (const [key, userIds] of held) {
    const { streamType, symbol } = parseStreamKey(key)
    check.that(userIds.length > 0, 'streamSubscriptions has an empty entry', key)
    check.that(same(manager.getSubscribers(streamType, symbol), userIds), 'getSubscribers answers otherwise', key)
    check.that(same(manager.streamSubscriptions.get(key) ?? [], userIds), 'streamSubscriptions answers otherwise than it iterates', key)
    const isSubscribed = (userId: string): boolean =>
      manager.getUserSubscriptions(userId).some((each) => each.streamType === streamType && each.symbol === symbol)
    check.that(userIds.every(isSubscribed), 'streamSubscriptions has somebody who is not subscribed', key)
  }
  return check.objections
}

function objectionsToActivity(manager: Manager): string[] {
  const check = new Check()
  const active = manager.activeStreams()
  const names = new Set(active.map(({ streamType, symbol, userId }) => JSON.stringify([streamType, symbol, userId])))
  check.that(names.size === active.length, 'activeStreams has a stream twice')
  for (const [key, userIds] of manager.streamSubscriptions) {
    const { streamType, symbol } = parseStreamKey(key)
    const connected = userIds.filter((userId) => manager.userConnections.has(userId))
    const isActive = (userId?: string): boolean => names.has(JSON.stringify([streamType, symbol, userId]))
    check.that(connected.length === 0 || isActive() || connected.every(isActive), 'A stream with a connected subscriber is not active', key)
  }
  return check.objections
}

function objectionsToSizes(manager: Manager, { connections, connectionsPerUser, subscriptionsPerUser, pendingUsers }: Ceilings): string[] {
  const check = new Check()
  const pending = [...manager.userSubscriptions.keys()].filter((userId) => !manager.userConnections.has(userId))
  check.that(manager.connectionCount <= connections, 'There are more connections than the quota')
  check.that([...manager.userConnections.values()].every(({ length }) => length <= connectionsPerUser), 'A user has more connections than the quota')
  check.that([...manager.userSubscriptions.values()].every(({ length }) => length <= subscriptionsPerUser), 'A user has more subscriptions than the quota')
  check.that(pending.length <= pendingUsers, 'There are more pending users than the quota')
  check.that(manager.stats().connectionsBehind <= manager.connectionCount, 'More connections are behind than there are')
  return check.objections
}

/** Gathers what does not hold. */
class Check {
  readonly objections: string[] = []

  that(holds: boolean, objection: string, whose?: string): void {
    if (!holds) this.objections.push(whose === undefined ? objection : `${objection}: ${JSON.stringify(whose)}`)
  }
}

/** The contract's words about ids, without a look at how the library reads them. */
function isIdentifier(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 255 && encodeURIComponentAccepts(value)
}

/** It refuses lone surrogates, and nothing else. */
function encodeURIComponentAccepts(text: string): boolean {
  try {
    return encodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

function isOfCatalogue({ streamType, symbol }: Subscription, streams: StreamCatalogue): boolean {
  const definition = Object.hasOwn(streams, streamType) ? streams[streamType] : undefined
  const rule = definition?.symbol ?? (definition?.audience === 'private' ? 'optional' : 'required')
  if (definition === undefined || (symbol === undefined ? rule === 'required' : rule === 'none')) return false
  return symbol === undefined || isIdentifier(symbol)
}

function isKeyed({ key, userId, streamType, symbol }: Subscription): boolean {
  const named = parseSubscriptionKey(key)
  return named.userId === userId && named.streamType === streamType && named.symbol === symbol
}

function subscribersOf(manager: Manager, { streamType, symbol }: Subscription): readonly string[] {
  return manager.streamSubscriptions.get(streamKey(streamType, symbol)) ?? []
}

function same(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i])
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
