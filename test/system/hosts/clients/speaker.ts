import { connect as connectTcp, type Socket as TcpSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { onLine } from './lines.ts'

/** A client that says whatever it is told to, in good order or not. */
export interface Speaker {
  /** All that came, in order. */
  readonly heard: readonly string[]
  /** The connection below, to pause and to end. */
  readonly tcp: TcpSocket
  say(text: string): void
}

export type OpenSpeaker = (port: number) => Promise<Speaker>

/** Opens a WebSocket, and hears the greeting. */
export async function openWs(port: number): Promise<Speaker> {
  return openSocket(`ws://127.0.0.1:${port}/?user=mallory`, (text) => [text])
}

/** Opens a WebSocket of sockjs. It makes the frames itself: what the client of sockjs is told is a text, whatever it was. */
export async function openSockJs(port: number): Promise<Speaker> {
  const url = `ws://127.0.0.1:${port}/sockjs/000/mallory/websocket?user=mallory`
  const { say, ...speaker } = await openSocket(url, (frame) => (frame.startsWith('a') ? JSON.parse(frame.slice(1)) : []))
  return { ...speaker, say: (text) => say(JSON.stringify([text])) }
}

async function openSocket(url: string, textsIn: (frame: string) => readonly string[]): Promise<Speaker> {
  const heard: string[] = []
  const socket = new WebSocket(url).on('error', () => {})
  socket.on('message', (frame) => void heard.push(...textsIn(String(frame))))
  while (heard.length === 0) await sleep(1)
  const { _socket: tcp } = socket as unknown as { readonly _socket: TcpSocket }
  return { heard, tcp, say: (text) => void (socket.readyState === WebSocket.OPEN && socket.send(text)) }
}

/** Connects to socket.io, over a WebSocket from the start, and hears the greeting. */
export async function openSocketIo(port: number): Promise<Speaker> {
  const heard: string[] = []
  const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], query: { user: 'mallory' }, forceNew: true, reconnection: false })
  client.on('message', (text) => void heard.push(text))
  while (heard.length === 0) await sleep(1)
  const { ws } = client.io.engine.transport as unknown as { readonly ws: { readonly _socket: TcpSocket } }
  return { heard, tcp: ws._socket, say: (text) => void client.send(text) }
}

/** Connects over TCP, says who it is, and hears the greeting. */
export async function openTcp(port: number): Promise<Speaker> {
  const heard: string[] = []
  const tcp = connectTcp(port, '127.0.0.1').on('error', () => {})
  onLine(tcp, /\n/, (line) => void heard.push(line))
  tcp.write('/?user=mallory\n')
  while (heard.length === 0) await sleep(1)
  return { heard, tcp, say: (text) => void tcp.write(`${text}\n`) }
}
