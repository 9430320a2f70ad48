import type { ConnectionManager } from '../../../src/index.ts'
import { CONNECTION_IDS, keyOf, STREAMS, USERS, type Stream, type Streams } from './catalogue.ts'
import { demandKeyOf, type Facts, type SubscriptionFact } from './facts.ts'
import type { ScriptedSocket } from './sockets.ts'

type Manager = ConnectionManager<ScriptedSocket, Streams>

/** Everything that the manager shows, where it is not what the facts say. */
export function differences(manager: Manager, facts: Facts, isNothingUnderWay: boolean): string[] {
  const differences: string[] = []
  const same: Same = (what, actual, expected) => {
    if (!isSame(actual, expected))
      differences.push(`${typeof what === 'string' ? what : what()} is ${describe(actual)}, expected ${describe(expected)}`)
  }
  compareConnections(manager, facts, same)
  compareSubscriptions(manager, facts, same)
  compareStreams(manager, facts, same)
  compareViews(manager, facts, same)
  compareHolds(facts, same)
  if (isNothingUnderWay) compareUpdates(facts, same)
  return differences
}

type Same = (what: string | (() => string), actual: unknown, expected: unknown) => void

function compareConnections(manager: Manager, facts: Facts, same: Same): void {
  const { live } = facts
  const users = [...new Set(live.map(({ userId }) => userId))]
  const ids = live.map(({ id }) => id)
  same('closed', manager.closed, facts.isClosed)
  same('connectionCount', manager.connectionCount, live.length)
  same('userCount', manager.userCount, users.length)
  same(
    'activeConnections',
    [...manager.activeConnections].flat(),
    live.flatMap(({ id, socket }) => [id, socket]),
  )
  same(
    'connectionUsers',
    [...manager.connectionUsers].flat(),
    live.flatMap(({ id, userId }) => [id, userId]),
  )
  same(
    'connections()',
    Array.from(manager.connections(), ({ id }) => id),
    ids,
  )
  same(
    'the sizes of the mappings',
    [manager.activeConnections.size, manager.connectionUsers.size, manager.userConnections.size],
    [live.length, live.length, users.length],
  )
  same('users of userConnections', [...manager.userConnections.keys()].sort(), [...users].sort())
  for (const userId of USERS) {
    const theirs = facts.liveOf(userId)
    same(
      () => `userConnections of ${describe(userId)}`,
      manager.userConnections.get(userId),
      theirs.length === 0 ? undefined : theirs.map(({ id }) => id),
    )
    same(
      () => `getUserConnections(${describe(userId)})`,
      manager.getUserConnections(userId),
      theirs.map(({ socket }) => socket),
    )
  }
  for (const id of CONNECTION_IDS) {
    const connection = facts.liveById(id)
    same(
      () => `activeConnections of ${describe(id)}`,
      [manager.activeConnections.get(id), manager.activeConnections.has(id)],
      [connection?.socket, connection !== undefined],
    )
    same(() => `getConnection(${describe(id)})`, manager.getConnection(id)?.socket, connection?.socket)
  }
  for (const { handle, isLive, id, userId, socket, metadata } of facts.connections) {
    if (handle === undefined) continue
    same(() => `the handle of ${socket.name}`, [handle.id, handle.userId, handle.removed, handle.socket, handle.metadata], [id, userId, !isLive, socket, metadata])
    if (!isLive) same(() => `what waits for ${socket.name}, which has gone`, [handle.waitingBytes, handle.behindForMs], [0, 0])
    if (handle !== undefined && isLive) same(() => `getConnection(${describe(id)})`, manager.getConnection(id), handle)
  }
}

function compareSubscriptions(manager: Manager, facts: Facts, same: Same): void {
  const { subscriptions } = facts
  const users = [...new Set(subscriptions.map(({ userId }) => userId))]
  same('subscriptionCount', manager.subscriptionCount, subscriptions.length)
  same('users of userSubscriptions', [...manager.userSubscriptions.keys()].sort(), [...users].sort())
  same('the size of userSubscriptions', manager.userSubscriptions.size, users.length)
  for (const [userId, views] of manager.userSubscriptions)
    if (views.length === 0) same(() => `userSubscriptions of ${describe(userId)}`, 'empty', 'not there')
  for (const userId of USERS) {
    const keys = subscriptions.filter((each) => each.userId === userId).map(publicKeyOf)
    same(
      () => `userSubscriptions of ${describe(userId)}`,
      manager.userSubscriptions.get(userId)?.map(({ key }) => key),
      keys.length === 0 ? undefined : keys,
    )
    same(
      () => `getUserSubscriptions(${describe(userId)})`,
      manager.getUserSubscriptions(userId).map(({ key }) => key),
      keys,
    )
  }
}

function compareStreams(manager: Manager, facts: Facts, same: Same): void {
  const subscribed = STREAMS.filter((stream) => facts.subscriptions.some((each) => keyOf(each.stream) === keyOf(stream)))
  const mapping = new Map(manager.streamSubscriptions)
  same('streamCount', manager.streamCount, subscribed.length)
  same('the size of streamSubscriptions', manager.streamSubscriptions.size, subscribed.length)
  same('keys of streamSubscriptions', [...mapping.keys()].sort(), subscribed.map(streamKeyOf).sort())
  for (const stream of subscribed) {
    const { streamType, symbol } = stream
    const users = facts.subscriptions.filter((each) => keyOf(each.stream) === keyOf(stream)).map(({ userId }) => userId)
    same(() => `streamSubscriptions of ${keyOf(stream)}`, mapping.get(streamKeyOf(stream)), users)
    same(() => `streamSubscriptions.get of ${keyOf(stream)}`, manager.streamSubscriptions.get(streamKeyOf(stream)), users)
    same(() => `getSubscribers of ${keyOf(stream)}`, manager.getSubscribers(streamType, symbol), users)
    const connections = facts.live.filter((each) => facts.isIn(each, stream)).map(({ id }) => id)
    same(() => `connectionsOf ${keyOf(stream)}`, Array.from(manager.connectionsOf(streamType, symbol), ({ id }) => id).sort(), connections.sort())
  }
  compareActivity(manager, facts, same)
}

/** The streams that a manager says are active, as texts. */
export function activeIn(manager: Manager): string[] {
  return manager
    .activeStreams()
    .map(({ streamType, symbol, userId = '' }) => demandKeyOf({ stream: { streamType, symbol } as never, userId }))
}

/** An idling stream whose time is up may be active still: timers that are due at one moment come one after the other. */
function compareActivity(manager: Manager, facts: Facts, same: Same): void {
  const active = activeIn(manager)
  const overdue = facts.overdueIdling()
  const expected = [...facts.demanded(), ...facts.idling.keys()].filter((key) => !overdue.includes(key) || active.includes(key))
  same('activeStreams()', active.sort(), expected.sort())
}

function compareViews(manager: Manager, facts: Facts, same: Same): void {
  for (const subscription of facts.subscriptions) {
    const { userId, stream, view, asked, createdAtMs } = subscription
    const actual = manager.getUserSubscriptions(userId).find(({ key }) => key === publicKeyOf(subscription))
    if (view !== undefined) same(() => `the view of ${publicKeyOf(subscription)}`, actual, view)
    if (actual === undefined) continue
    const status = facts.isOnline(userId) ? facts.statusOf(subscription) : 'PENDING'
    same(
      () => `the fields of ${publicKeyOf(subscription)}`,
      [actual.userId, actual.streamType, actual.symbol, actual.status, actual.createdAt.getTime()],
      [userId, stream.streamType, stream.symbol, status, createdAtMs],
    )
    same(() => `the filters of ${publicKeyOf(subscription)}`, JSON.stringify(actual.filters), JSON.stringify(asked.get('user')?.filters))
  }
  for (const subscription of facts.ended) {
    if (subscription.view !== undefined)
      same(() => `the status of ${publicKeyOf(subscription)}, which has ended`, subscription.view.status, 'DISCONNECTED')
  }
}

function compareHolds(facts: Facts, same: Same): void {
  for (const connection of facts.connections) {
    const own = connection.handle?.subscriptions() ?? []
    const held = connection.handle === undefined ? [] : facts.heldBy(connection)
    same(
      () => `the subscriptions of ${connection.socket.name}`,
      own.flatMap(({ subscription, filters }) => [subscription.key, JSON.stringify(filters)]),
      held.flatMap((each) => [publicKeyOf(each), JSON.stringify(each.asked.get(connection)?.filters)]),
    )
  }
}

function compareUpdates({ subscriptions }: Facts, same: Same): void {
  for (const subscription of subscriptions) {
    const { view, lastUpdateMs } = subscription
    if (view !== undefined && lastUpdateMs !== 'perhaps')
      same(() => `lastUpdate of ${publicKeyOf(subscription)}`, view.lastUpdate?.getTime(), lastUpdateMs)
  }
}

// Keys by their documentation, and not by the functions that make them.

function streamKeyOf({ streamType, symbol }: Stream): string {
  return symbol === undefined ? streamType : `${streamType}:${symbol}`
}

function publicKeyOf({ userId, stream }: SubscriptionFact): string {
  return `${userId.replaceAll('%', '%25').replaceAll(':', '%3A')}:${streamKeyOf(stream)}`
}

function isSame(actual: unknown, expected: unknown): boolean {
  if (!Array.isArray(actual) || !Array.isArray(expected)) return Object.is(actual, expected)
  return actual.length === expected.length && actual.every((each, i) => isSame(each, expected[i]))
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`
  if (typeof value === 'object' && value !== null && 'name' in value) return String(value.name)
  return String(value)
}
