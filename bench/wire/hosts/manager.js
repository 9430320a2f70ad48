// This library on ws, with its transport for ws or without any, and with compression by either.
import { deflateRawSync } from 'node:zlib'
import { libraryModule } from '../../library.js'
import { STREAM_TYPE, SYMBOL } from '../../market.js'
import { listenOnWs } from './ws-server.js'

export async function listen({ hasTransport, deflatesOnce, perMessageDeflate }) {
  const { ConnectionManager } = await libraryModule('index')
  const { wsTransport } = await libraryModule('transports/ws')
  const manager = new ConnectionManager(hasTransport ? { transport: wsTransport(deflatesOnce ? { deflate: deflateRawSync } : {}) } : {})
  let next = 0
  const { facts } = await listenOnWs((socket) => {
    const id = `c${next++}`
    const connection = manager.addConnection(id, socket, `u${id}`)
    connection.subscribe({ streamType: STREAM_TYPE, symbol: SYMBOL })
    socket.on('close', () => void connection.remove({ close: false }))
  }, perMessageDeflate)
  return {
    ...facts,
    connections: () => manager.connectionCount,
    connectionsBehind: () => manager.stats().connectionsBehind,
    publish: (data) => manager.publish({ streamType: STREAM_TYPE, symbol: SYMBOL, data }),
  }
}
