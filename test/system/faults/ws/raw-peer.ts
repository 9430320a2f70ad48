import { randomBytes } from 'node:crypto'
import { connect, type Socket as TcpSocket } from 'node:net'
import { Client } from '../client.ts'
import { ABNORMAL, type Peer, type ServerEnd } from './peer.ts'

const TEXT = 0x1
const CLOSE = 0x8

interface Frame {
  readonly opcode: number
  readonly payload: Buffer
  readonly length: number
}

/** A client on bare TCP, that answers nothing: no ping, and no close. Written from RFC 6455, without any library's help. */
export class RawPeer implements Peer {
  readonly client: Client
  declare serverEnd: ServerEnd
  readonly closed: Promise<number>
  readonly #tcp: TcpSocket
  readonly #url: URL
  readonly #noticed: () => void
  #bytes = Buffer.alloc(0)
  #isOpen = false
  #code = ABNORMAL

  constructor(client: Client, url: string, noticed: () => void = () => {}) {
    this.client = client
    this.#noticed = noticed
    this.#url = new URL(url)
    this.#tcp = connect(Number(this.#url.port), this.#url.hostname)
    this.#tcp.on('data', (bytes) => this.#read(bytes))
    this.#tcp.on('error', noticed)
    this.closed = new Promise((resolve) => {
      this.#tcp.on('close', () => {
        resolve(this.#code)
        noticed()
      })
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Bytes of a frame that has not come to its end. */
  get incompleteBytes(): number {
    return this.#bytes.length
  }

  /** Asks for a WebSocket, and does not wait for the answer. */
  shakeHands(): void {
    const { pathname, search, host } = this.#url
    const key = randomBytes(16).toString('base64')
    const lines = [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
    ]
    this.#tcp.write(`${lines.join('\r\n')}\r\n\r\n`)
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#tcp.write(bytes)
  }

  /** Ends its half of the connection, without a word. */
  end(): void {
    this.#tcp.end()
  }

  pause(): void {
    this.#tcp.pause()
  }

  resume(): void {
    this.#tcp.resume()
  }

  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (!this.#isOpen) this.#readAnswer()
    if (!this.#isOpen) return
    for (let frame = firstFrame(this.#bytes); frame !== undefined; frame = firstFrame(this.#bytes)) {
      this.#bytes = this.#bytes.subarray(frame.length)
      if (frame.opcode === TEXT) this.client.see(frame.payload.toString())
      if (frame.opcode === CLOSE) this.#code = frame.payload.readUInt16BE(0)
    }
    this.#noticed()
  }

  #readAnswer(): void {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end === -1) return
    const answer = this.#bytes.subarray(0, end).toString()
    if (!answer.startsWith('HTTP/1.1 101')) throw new Error(`Refused: ${answer}`)
    this.#bytes = this.#bytes.subarray(end + 4)
    this.#isOpen = true
  }
}

/** The first frame, if all of it has come. A server does not mask. */
function firstFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes.readUInt8(1)
  const header = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < header) return undefined
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < header + size) return undefined
  return { opcode: bytes.readUInt8(0) & 0xf, payload: bytes.subarray(header, header + size), length: header + size }
}
