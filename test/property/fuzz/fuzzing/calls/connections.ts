import type { Connection, Socket, StreamCatalogue, StreamReference } from '../../../../../src/index.ts'
import type { Stage } from '../stage.ts'
import { hostileTransport, someTransport } from '../transports.ts'
import { wrapped } from '../wrapping.ts'
import { call, type Call } from './call.ts'

/** What `addConnection` is given in the fourth place. */
function options(stage: Stage): unknown {
  const { dice, menagerie } = stage
  if (dice.chance(0.7)) return undefined
  if (dice.chance(0.03)) return menagerie.value()
  return wrapped({ transport: transport(stage), metadata: menagerie.value() }, dice, stage).value
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
  const code = dice.pick([undefined, 1000, 1013, 4001, 1006, menagerie.value()])
  const reason = dice.pick([undefined, 'bye', 'é'.repeat(62), menagerie.value()])
  const options = dice.pick([{ close: false }, { close: true }, {}, null, undefined, { code, reason }, { close: true, code }, menagerie.value()])
  return handle.remove(options as never)
}

function reassign(stage: Stage): unknown {
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const userId = stage.names.userId()
  handle.reassign(userId as string)
  // What it calls may have given it to somebody else again, or have removed it.
  stage.expect(typeof handle.userId === 'string', 'A handle has no user')
  return handle
}

/** What a connection says of itself. */
function look(stage: Stage): unknown {
  const { dice, menagerie } = stage
  const handle = stage.handle()
  if (handle === undefined) return undefined
  const { waitingBytes, behindForMs, removed } = handle
  stage.expect(waitingBytes >= 0 && behindForMs >= 0, 'A connection is behind by less than nothing')
  stage.expect(!removed || (waitingBytes === 0 && behindForMs === 0), 'A connection that has gone is behind')
  if (!dice.chance(0.2)) return undefined
  const metadata = menagerie.value()
  handle.metadata = metadata
  stage.expect(Object.is(handle.metadata, metadata), 'The metadata is not what it was set to')
  // Not returned: it may be a promise that rejects.
  return undefined
}

const purge = (stage: Stage): unknown => stage.give(stage.arguments.reference(), (reference: StreamReference) => stage.handle()?.purge(reference))

function connectionsOf(stage: Stage): unknown {
  const { manager, names } = stage
  const found = [...manager.connectionsOf(names.streamType() as string, names.symbol() as string)]
  stage.expect(new Set(found).size === found.length, 'connectionsOf has a connection twice')
  stage.expect(found.every(({ removed }) => !removed), 'connectionsOf has a connection that has gone')
  return found.length
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
  call('handle.reassign', 3, reassign),
  call('handle: metadata, waitingBytes, behindForMs', 2, look),
  call('handle.purge', 1.5, purge),
  call('connectionsOf', 2, connectionsOf),
]
