import type { Connection, Socket, StreamCatalogue } from '../../../../../src/index.ts'
import type { Stage } from '../stage.ts'
import { hostileTransport, someTransport } from '../transports.ts'
import { wrapped } from '../wrapping.ts'
import { call, type Call } from './call.ts'

/** What `addConnection` is given in the fourth place. */
function options(stage: Stage): unknown {
  const { dice, menagerie } = stage
  if (dice.chance(0.7)) return undefined
  if (dice.chance(0.03)) return menagerie.value()
  return wrapped({ transport: transport(stage) }, dice, stage).value
}

function transport(stage: Stage): unknown {
  const { dice, menagerie } = stage
  if (dice.chance(0.05)) return hostileTransport(stage)
  return dice.chance(0.05) ? menagerie.value() : someTransport(stage)
}

function addConnection(stage: Stage): unknown {
  const { dice, manager, names } = stage
  let id = names.connectionId()
  // Mostly one that is free, so that the state grows; else a duplicate, which is refused.
  if (manager.connectionUsers.has(id as string) && dice.chance(0.9)) id = dice.pick(names.connections)
  const known = manager.getConnection(id as string)
  if (known !== undefined && dice.chance(0.8)) return again(stage, known)
  const userId = names.userId()
  const connection = manager.addConnection(id as string, stage.socket() as Socket, userId as string, options(stage) as never)
  stage.expect(connection.id === id && connection.userId === userId, 'A handle is of somebody else')
  stage.keep.handles.add(connection as unknown as Connection)
  return connection
}

/** The same id with the same socket and user is the same connection. */
function again(stage: Stage, known: Connection<Socket, StreamCatalogue>): unknown {
  const answered = stage.manager.addConnection(known.id, known.socket, known.userId)
  stage.expect(answered === known || known.removed, 'The same connection, added again, is another')
  return answered
}

function read(stage: Stage): unknown {
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const { id, userId, socket, removed } = handle
  const current = stage.manager.getConnection(id)
  stage.expect(removed || current === handle || handle.socket !== current?.socket, 'A live handle is not the current one of its id')
  return [userId, socket]
}

function remove(stage: Stage): unknown {
  const { dice, menagerie } = stage
  const handle = stage.handle()
  if (handle === undefined) return undefined
  if (dice.chance(0.5)) return handle.remove()
  const options = dice.pick([{ close: false }, { close: true }, {}, null, undefined, menagerie.value()])
  return handle.remove(options as never)
}

/** Connections: that come, are looked for, and go. */
export const connectionCalls: readonly Call[] = [
  call('addConnection', 11, addConnection),
  call('removeConnection', 1.5, ({ manager, names }) => manager.removeConnection(names.connectionId() as string)),
  call('removeUser', 0.5, ({ manager, names }) => manager.removeUser(names.userId() as string)),
  call('getConnection', 2, ({ manager, names }) => manager.getConnection(names.connectionId() as string)),
  call('getUserConnections', 2, ({ manager, names }) => manager.getUserConnections(names.userId() as string).length),
  call('connections()', 0.5, ({ manager }) => [...manager.connections()].length),
  call('handle: id, userId, socket, removed', 3, read),
  call('handle.flush', 1.5, (stage) => stage.handle()?.flush()),
  call('handle.drained', 1.5, (stage) => stage.handle()?.drained()),
  call('handle.remove', 1, remove),
]
