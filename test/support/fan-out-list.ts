import { FanOutList } from '../../src/collections/fan-out-list.ts'
import { FakeSocket } from './fake-socket.ts'

export interface Listed {
  readonly name: number
  readonly socket: FakeSocket
  sink: FakeSocket
  slot: number
}

/** Makes a connection that is not yet in a list. */
export function listed(name: number): Listed {
  const socket = new FakeSocket()
  return { name, socket, sink: socket, slot: -1 }
}

/** A list of this many connections, each with its slot. */
export function fanOutList(count: number) {
  const list = new FanOutList<Listed>({ sinkOf: ({ sink }) => sink, moved: (connection, slot) => void (connection.slot = slot) })
  const add = (connection: Listed): Listed => {
    connection.slot = list.add(connection)
    return connection
  }
  const connections = Array.from({ length: count }, (_, name) => add(listed(name)))
  return { list, connections, add }
}
