import type { ConnectionManager, StreamCatalogue } from '../../../../src/index.ts'
import type { Model } from './model.ts'
import type { User } from './people.ts'
import type { ClientSocket } from './sockets.ts'
import { STREAMS, type Stream } from './streams.ts'

type Manager = ConnectionManager<ClientSocket, StreamCatalogue>

/** Where a manager's state is not the model's; looks at all of it. */
export function* compareStates(manager: Manager, model: Model): Generator<string, undefined> {
  if (manager.connectionCount !== model.clients.size) yield `${manager.connectionCount} connections instead of ${model.clients.size}`
  for (const { id, user, socket, handle } of model.clients) {
    if (manager.activeConnections.get(id) !== socket || manager.connectionUsers.get(id) !== user.id) yield `connection ${id} is another's`
    if (manager.getConnection(id) !== handle) yield `connection ${id} has another handle`
  }
  let subscriptions = 0
  for (const user of model.users) {
    const held = model.subscriptionsOf(user)
    subscriptions += held.size
    yield* compareUsers(manager, user, held)
  }
  if (manager.subscriptionCount !== subscriptions) yield `${manager.subscriptionCount} subscriptions instead of ${subscriptions}`
  for (const stream of STREAMS) yield* compareStreams(manager, model, stream)
}

function* compareUsers(manager: Manager, user: User, held: ReadonlySet<Stream>): Generator<string, undefined> {
  const sockets = manager.getUserConnections(user.id)
  if (sockets.length !== user.clients.length || !user.clients.every(({ socket }, i) => sockets[i] === socket)) yield `user ${user.id} has other connections`
  const views = manager.getUserSubscriptions(user.id)
  const statuses = user.clients.length > 0 ? ['CONNECTED', 'ERROR', 'RECONNECTING'] : ['PENDING']
  const isHeld = (streamType: string, symbol: string | undefined): boolean => [...held].some(({ type, symbol: each }) => type.name === streamType && each === symbol)
  const isRight = views.every((view) => view.userId === user.id && statuses.includes(view.status) && isHeld(view.streamType, view.symbol))
  if (views.length !== held.size || !isRight) yield `user ${user.id} has other subscriptions`
}

function* compareStreams(manager: Manager, model: Model, stream: Stream): Generator<string, undefined> {
  const expected = model.users.filter((user) => model.isSubscribed(user, stream)).map(({ id }) => id)
  const subscribers = manager.getSubscribers(stream.type.name, stream.symbol)
  if (subscribers.length !== expected.length || expected.some((id) => !subscribers.includes(id))) yield `${stream.head} has other subscribers`
}
