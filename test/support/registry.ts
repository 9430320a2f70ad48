import type { Connection, Socket, StreamCatalogue } from '../../src/index.ts'
import { Connections } from '../../src/registry/connections.ts'
import { Subscriptions } from '../../src/registry/subscriptions.ts'
import { Users } from '../../src/registry/users.ts'
import { tradingStreams } from '../../src/model/catalogue.ts'
import { FakeSocket } from './fake-socket.ts'

/** The room by itself: nobody is told anything, time stands still, and handles lead nowhere. */
export function registry() {
  const users = new Users()
  const connections = new Connections(users, () => ({}) as Connection<Socket, StreamCatalogue>)
  const subscriptions = new Subscriptions(tradingStreams, users, { now: () => 0, assertRoom() {}, changed() {}, demanded() {}, unseated() {} })
  return {
    users,
    connections,
    subscriptions,
    connect: (id: string, userId: string) =>
      connections.add({ id, socket: new FakeSocket(), userId, transport: undefined, isClosed: false, sendQueueFor: undefined }),
    known: () => Array.from(users.all(), ({ id }) => id),
  }
}
