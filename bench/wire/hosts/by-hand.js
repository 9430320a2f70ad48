// This library with its transport for ws alone: the host reads the commands itself, and checks nothing.
import { libraryModule } from '../../library.js'
import { SYMBOL } from '../../market.js'
import { listenOnWs } from './ws-server.js'

export async function listen() {
  const { ConnectionManager } = await libraryModule('index')
  const { wsTransport } = await libraryModule('transports/ws')
  const manager = new ConnectionManager({ transport: wsTransport() })
  let next = 0
  const { facts } = await listenOnWs((socket) => {
    const id = `c${next++}`
    const connection = manager.addConnection(id, socket, `u${id}`)
    socket.on('message', (bytes) => {
      for (const { symbol } of JSON.parse(String(bytes))) connection.subscribe({ streamType: 'TRADES', symbol })
      connection.send('{"type":"subscribed"}')
    })
    socket.on('close', () => void connection.remove({ close: false }))
  })
  return {
    ...facts,
    answers: 'one',
    connections: () => manager.connectionCount,
    publish: (data) => manager.publish({ streamType: 'TRADES', symbol: SYMBOL, data }),
  }
}
