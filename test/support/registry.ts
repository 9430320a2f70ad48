import { Connections } from '../../src/registry/connections.ts'
import type { Common } from '../../src/registry/records.ts'
import { Subscriptions } from '../../src/registry/subscriptions.ts'
import { Users } from '../../src/registry/users.ts'
import { tradingStreams } from '../../src/model/catalogue.ts'
import { FakeSocket } from './fake-socket.ts'

const unlimited = { hasRoom: () => true, refusal: () => new Error('There is no limit') }

/** A registry on its own: without events, with a clock that stands still, and with handles that do nothing. */
export function registry() {
  const users = new Users()
  const connections = new Connections(users, {} as Common)
  const subscriptions = new Subscriptions(tradingStreams, users, { now: () => 0, quotas: unlimited, changed() {}, demanded() {}, receivesFailed() {}, released() {} })
  return {
    users,
    connections,
    subscriptions,
    connect: (id: string, userId: string) =>
      connections.add({ id, socket: new FakeSocket(), userId, transport: undefined, metadata: undefined, isClosed: false, sendQueueFor: undefined }),
    known: () => Array.from(users.all(), ({ id }) => id),
  }
}
