// A client and the server's end of its connection, which is a real WebSocket of ws. The network between them is in memory.
import { Duplex } from 'node:stream'
import { extension, PerMessageDeflate, Receiver } from 'ws'

const HEAD_END = '\r\n\r\n'

/**
 * Upgrades a connection. Answers the server's socket, and `received`: what the client has read, texts as they are and bytes as hex after `0x`.
 *
 * @param {typeof import('ws')} ws the release that serves
 * @param {string | undefined} offer the extensions that the client asks for
 * @param {object} options of the server
 */
export async function connect({ WebSocketServer }, offer, options) {
  const client = new Client()
  const server = new WebSocketServer({ noServer: true, ...options })
  const request = { method: 'GET', headers: headersWith(offer) }
  const socket = await new Promise((resolve) => server.handleUpgrade(request, client.network, Buffer.alloc(0), resolve))
  return { socket, client }
}

function headersWith(offer) {
  return {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(offer !== undefined && { 'sec-websocket-extensions': offer }),
  }
}

/** Reads the answer to the upgrade, then has ws decode the frames. */
class Client {
  received = []
  /** What the decoder found wrong, if anything. */
  error
  /** The parameters that were negotiated. */
  params
  #head = ''
  #receiver
  #look = () => {}

  network = Object.assign(
    new Duplex({
      read() {},
      write: (chunk, _encoding, done) => {
        this.#read(chunk)
        done()
      },
    }),
    // ws 8.0 expects a socket of node:net.
    { setTimeout() {}, setNoDelay() {} },
  )

  /** Waits until so many messages have come, or the decoder has failed. */
  until(count) {
    return new Promise((resolve) => {
      this.#look = () => { if (this.error !== undefined || this.received.length >= count) resolve() }
      this.#look()
    })
  }

  #read(chunk) {
    if (this.#receiver !== undefined) return void this.#receiver.write(chunk)
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf(HEAD_END)
    if (end < 0) return
    this.#receiver = this.#decoder(this.#head.slice(0, end))
    const rest = this.#head.slice(end + HEAD_END.length)
    if (rest !== '') this.#receiver.write(Buffer.from(rest, 'latin1'))
  }

  #decoder(head) {
    const [, header] = /^Sec-WebSocket-Extensions: (.*)$/m.exec(head) ?? []
    const extensions = {}
    if (header !== undefined) {
      const deflate = new PerMessageDeflate({ isServer: false })
      deflate.accept(extension.parse(header)[PerMessageDeflate.extensionName])
      this.params = deflate.params
      extensions[PerMessageDeflate.extensionName] = deflate
    }
    const receiver = new Receiver({ extensions, isServer: false })
    receiver.on('message', (data, isBinary) => {
      this.received.push(isBinary ? `0x${data.toString('hex')}` : data.toString())
      this.#look()
    })
    receiver.on('error', (error) => {
      this.error = error
      this.#look()
    })
    return receiver
  }
}
