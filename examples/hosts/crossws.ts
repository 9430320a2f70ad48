import { createServer } from 'node:http'
import type { Peer } from 'crossws'
import crossws from 'crossws/adapters/node'
import { ConnectionManager, type CloseReason } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

/** The close codes of RFC 6455 for the reasons that are not normal. */
const CODES: Partial<Record<CloseReason, number>> = { cleanup: 1001, 'send-failed': 1011, 'slow-consumer': 1013 }

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<Peer>({
    transport: {
      bufferedBytes: (peer) => peer.bufferedAmount,
      close: (peer, reason, why = { code: CODES[reason] ?? 1000, reason }) => peer.close(why.code, why.reason),
      terminate: (peer) => peer.terminate(),
    },
  })
  const commands = createCommandServer(manager)
  const receive = (peer: Peer, text: string): void => {
    const connection = manager.getConnection(peer.id)
    if (connection !== undefined) commands.open(connection).receive(text)
  }

  const { handleUpgrade } = crossws({
    serverOptions: { maxPayload: 16 * 1024 },
    hooks: {
      open: (peer) => void admit({ manager, commands }, peer, authenticate(peer.request), { connectionId: peer.id }),
      message: (peer, message) => receive(peer, message.text()),
      drain: (peer) => manager.getConnection(peer.id)?.drained(),
      close: (peer) => void manager.getConnection(peer.id)?.remove({ close: false }),
    },
  })

  const server = createServer((_request, response) => void response.writeHead(426).end())
  server.on('upgrade', (request, tcp, head) => void handleUpgrade(request, tcp, head))
  return listening(server, { manager, commands }, port)
}
