import { createServer, type Socket as TcpSocket } from 'node:net'
import { ConnectionManager, type Socket, type Transport } from 'stream-connection-manager'
import { createCommandServer } from 'stream-connection-manager/protocol'
import { listening, type Listening } from './listening.ts'
import { admit, authenticate } from './protocol.ts'

const LONGEST_LINE = 16 * 1024

interface Peer extends Socket {
  readonly tcp: TcpSocket
}

const lines: Transport<Peer, string> = {
  frame: lineOf,
  write: ({ tcp }, lines) => void tcp.write(lines.join('')),
  bufferedBytes: ({ tcp }) => tcp.writableLength,
  onDrain({ tcp }, listener) {
    tcp.on('drain', listener)
    return () => tcp.off('drain', listener)
  },
  close({ tcp }, _reason, why) {
    if (why !== undefined && tcp.writable) tcp.write(lineOf(JSON.stringify({ type: 'closing', ...why })))
    return new Promise((resolve) => tcp.once('close', () => resolve()).destroySoon())
  },
  terminate: ({ tcp }) => tcp.destroy(),
}

export function listen(port?: number): Promise<Listening> {
  const manager = new ConnectionManager<Peer>({ transport: lines })
  const commands = createCommandServer(manager)

  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (tcp) => {
    tcp.on('error', () => tcp.destroy()) // without this listener, an error ends the process
    tcp.setTimeout(10_000, () => tcp.destroy()) // for a client that never says who it is
    let take = (url: string): void => {
      const peer = { tcp, send: (text: string) => void tcp.write(lineOf(text)), close: () => tcp.destroySoon() }
      const session = admit({ manager, commands }, peer, authenticate({ url }))
      take = (command) => session?.receive(command)
      tcp.on('close', () => void session?.connection.remove({ close: false })).setTimeout(0)
    }
    onLine(tcp, (line) => take(line))
  })

  return listening(server, { manager, commands }, port)
}

function onLine(tcp: TcpSocket, take: (line: string) => void): void {
  let rest = ''
  tcp.setEncoding('utf8').on('data', (chunk: string) => {
    const received = (rest + chunk).split('\n')
    rest = received.pop() ?? ''
    if (rest.length > LONGEST_LINE) tcp.destroy()
    else received.forEach(take)
  })
}

/** JSON has line ends only between its tokens. A space is as good there. */
function lineOf(text: string): string {
  return `${text.replaceAll('\n', ' ')}\n`
}
