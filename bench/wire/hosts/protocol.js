// This library with its protocol and its host for ws, and with a recovery if clients are to resume.
import { libraryModule } from '../../library.js'
import { SYMBOL } from '../../market.js'
import { HEARTBEAT_MS } from './heartbeat.js'
import { listenOnWs } from './ws-server.js'

export async function listen({ recovers = false }) {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const { createCommandServer } = await libraryModule('protocol')
  const { serveWebSockets } = await libraryModule('hosts/ws')
  const recovery = recovers ? createRecovery() : undefined
  const manager = new ConnectionManager({ recorder: recovery })
  const { server, facts } = await listenOnWs()
  let next = 0
  const authenticate = () => ({ userId: `u${next++}` })
  serveWebSockets(server, { manager, commands: createCommandServer(manager, { recovery }), authenticate, heartbeatMs: HEARTBEAT_MS })
  return {
    ...facts,
    answers: 'each',
    hasWelcome: true,
    connections: () => manager.connectionCount,
    publish: (data) => manager.publish({ streamType: 'TRADES', symbol: SYMBOL, data }),
  }
}
