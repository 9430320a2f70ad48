import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { connect, type Socket as TcpSocket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type CloseReason } from '../../../src/index.ts'
import { sseHeaders, sseSocket, sseTransport, type SseSocket, type SseTarget } from '../../../src/transports/sse.ts'
import { expectCode } from '../../support/errors.ts'
import { closeAll, closers, portOf } from '../../support/loopback.ts'

afterEach(() => {
  vi.useRealTimers()
  closeAll()
})

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn()
}

/** A manager of event streams whose host does not listen for their ends, and the reasons of its removals. */
function managing() {
  const manager = new ConnectionManager<SseSocket>({ transport: sseTransport(), idleDelayMs: 0 })
  const reasons: CloseReason[] = []
  manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))
  let added = 0
  const add = (target: SseTarget): SseSocket => {
    const socket = sseSocket(target)
    const connection = manager.addConnection(`c${added++}`, socket, 'alice')
    connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    return socket
  }
  return { manager, reasons, add }
}

/** A server of event streams on node:http that has written its head, and a TCP connection to it. */
async function http1(handle: (response: ServerResponse, request: IncomingMessage) => void): Promise<TcpSocket> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/204' ? 204 : 200, sseHeaders).flushHeaders()
    handle(response, request)
  })
  const tcp = connect(await portOf(server), '127.0.0.1').on('error', () => {})
  closers.push(() => server.closeAllConnections(), () => tcp.destroy())
  return tcp
}

const requestOf = (method: string, path = '/'): string => `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`

/** A Node response, or the writer of a web stream, whose bytes leave when a test says so. */
class HeldResponse extends EventEmitter {
  readonly chunks: Uint8Array[] = []
  readonly flushes: (() => void)[] = []
  writableLength = 0
  writableEnded = false
  writableFinished = false
  destroyed = false
  req: { method: string; socket: unknown } | undefined

  write(chunk: Uint8Array, flushed: () => void): boolean {
    this.chunks.push(chunk)
    this.flushes.push(flushed)
    this.writableLength += chunk.length
    return true
  }

  end(): void {
    this.writableEnded = true
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Lets the first write leave. */
  leave(): void {
    this.writableLength -= this.chunks.shift()?.length ?? 0
    this.flushes.shift()?.()
  }
}

describe('an event stream of node:http', () => {
  it('ends with its request if several were pipelined', async () => {
    const { manager, reasons, add } = managing()
    const sockets: SseSocket[] = []
    const tcp = await http1((response) => sockets.push(add(response)))
    tcp.resume().write(requestOf('GET').repeat(15))
    await until(() => sockets.length === 15)

    tcp.destroy()
    await Promise.all(sockets.map(({ closed }) => closed))

    expect(manager.connectionCount).toBe(0)
    expect(reasons).toEqual(sockets.map(() => 'peer-closed'))
    expect(sockets.every(({ readyState }) => readyState === 3)).toBe(true)
    expect(manager.activeStreams()).toEqual([])
  })

  it('waits in a pipeline without a warning about too many listeners on the TCP socket', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    closers.push(() => process.off('warning', note))
    const sockets: SseSocket[] = []
    const tcp = await http1((response) => sockets.push(sseSocket(response)))

    tcp.resume().write(requestOf('GET').repeat(15))
    await until(() => sockets.length === 15)
    await turn()

    expect(warnings).toEqual([])
  })

  it('can be terminated while it waits in a pipeline', async () => {
    const { manager, add } = managing()
    const sockets: SseSocket[] = []
    const tcp = await http1((response) => sockets.push(add(response)))
    tcp.resume().write(requestOf('GET').repeat(2))
    await until(() => sockets.length === 2)

    sockets[1]?.terminate()
    await sockets[1]?.closed

    expect(manager.connectionCount).toBe(1)
    expect(sockets.map(({ readyState }) => readyState)).toEqual([1, 3])
  })

  it('is refused if its client left before the head was sent, also in a pipeline', async () => {
    const manager = new ConnectionManager<SseSocket>({ transport: sseTransport() })
    const responses: ServerResponse[] = []
    const server = createServer((_request, response) => void responses.push(response))
    const tcp = connect(await portOf(server), '127.0.0.1').on('error', () => {})
    tcp.write(requestOf('GET').repeat(2))
    await until(() => responses.length === 2)
    const closed = responses.map(({ req }) => once(req.socket, 'close'))
    tcp.destroy()
    await Promise.all(closed)

    for (const response of responses) {
      response.writeHead(200, sseHeaders)
      const socket = sseSocket(response)
      expect(socket.readyState).toBe(3)
      expectCode('ERR_SOCKET_CLOSED', () => manager.addConnection('c1', socket, 'alice'))
    }
  })

  it.each([['HEAD', '/'], ['GET', '/204']] as const)('ends at once if it has no body, %s %s, so that the next request is answered', async (method, path) => {
    const { manager, reasons, add } = managing()
    const sockets: SseSocket[] = []
    const tcp = await http1((response, { url }) => {
      if (url === '/next') return void response.end()
      const socket = add(response)
      void socket.send('welcome')
      socket.comment()
      sockets.push(socket)
    })
    let received = ''
    tcp.setEncoding('utf8').on('data', (text: string) => (received += text))

    tcp.write(requestOf(method, path) + requestOf('GET', '/next'))
    await until(() => received.split('HTTP/1.1 ').length === 3)

    expect(sockets.map(({ readyState }) => readyState)).toEqual([3])
    expect(manager.connectionCount).toBe(0)
    expect(reasons).toEqual(['peer-closed'])
    expect(received).not.toContain('welcome')
  })

  it('does not touch the TCP socket after its end, which may serve the next request', async () => {
    const sockets: SseSocket[] = []
    const tcp = await http1((response) => sockets.push(sseSocket(response)))
    tcp.resume().write(requestOf('GET'))
    await until(() => sockets.length === 1)
    await sockets[0]?.close()

    tcp.write(requestOf('GET'))
    await until(() => sockets.length === 2)
    sockets[0]?.terminate()
    await turn()

    expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 1])
  })
})

describe.each(['request', 'stream'] as const)('an event stream of node:http2, as a %s', (event) => {
  async function asked(headers: OutgoingHttpHeaders, status = 200) {
    const { manager, reasons, add } = managing()
    const server = createHttp2Server()
    const added = new Promise<SseSocket>((resolve) => {
      if (event === 'stream') {
        server.on('stream', (stream) => {
          stream.respond({ ':status': status, ...sseHeaders })
          resolve(add(stream))
        })
      } else {
        server.on('request', (_request, response) => {
          response.writeHead(status, sseHeaders)
          resolve(add(response))
        })
      }
    })
    const session = connectHttp2(`http://127.0.0.1:${await portOf(server)}`).on('error', () => {})
    closers.push(() => session.destroy())
    const client = session.request(headers).on('error', () => {})
    const answered = once(client, 'response') as Promise<[IncomingHttpHeaders]>
    return { manager, reasons, session, client, answered, socket: await added }
  }

  it.each([['HEAD', 200], ['GET', 204]] as const)('ends at once if it has no body, %s %i', async (method, status) => {
    const { manager, reasons, socket, answered } = await asked({ ':method': method, ':path': '/' }, status)

    await socket.closed

    expect((await answered)[0][':status']).toBe(status)
    expect(manager.connectionCount).toBe(0)
    expect(reasons).toEqual(['peer-closed'])
  })

  it('ends with its session', async () => {
    const { manager, session, socket } = await asked({ ':path': '/' })

    session.destroy()
    await socket.closed

    expect(manager.connectionCount).toBe(0)
  })
})

describe('an event stream without a body', () => {
  it('drops what is sent to it, and stays open until the end of the current turn', async () => {
    const response = new HeldResponse()
    response.req = { method: 'HEAD', socket: undefined }
    const socket = sseSocket(response)

    void socket.send('a')
    socket.comment()
    expect([socket.readyState, socket.bufferedAmount, response.writableEnded]).toEqual([1, 0, false])
    await socket.closed

    expect([socket.readyState, response.writableEnded, response.chunks]).toEqual([3, true, []])
    expect(() => socket.send('b')).toThrow('The response is over')
    socket.terminate()
    expect(response.destroyed).toBe(false)
    response.emit('error', new Error('late'))
  })

  it('can be terminated before that, and notifies close and drain listeners', async () => {
    const response = new HeldResponse()
    response.req = { method: 'HEAD', socket: undefined }
    const socket = sseSocket(response)
    const reported: string[] = []
    socket.onClose(() => reported.push('close'))
    socket.onDrain(() => reported.push('drain'))

    socket.terminate()
    await socket.close()

    expect([response.destroyed, response.writableEnded, reported]).toEqual([true, false, ['close', 'drain']])
  })
})

describe('the readyState of an event stream', () => {
  it('is 1 while it is open, 2 after close while data is buffered, and 3 after its end', async () => {
    const response = new HeldResponse()
    const socket = sseSocket(response)
    expect(socket.readyState).toBe(1)

    void socket.close()
    expect(socket.readyState).toBe(2)
    response.emit('finish')

    expect(socket.readyState).toBe(3)
  })

  it('is the same for a web stream', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const socket = sseSocket(writable.getWriter())
    void socket.send('a')
    expect(socket.readyState).toBe(1)

    void socket.close()
    expect(socket.readyState).toBe(2)
    await readable.cancel()
    await socket.closed

    expect(socket.readyState).toBe(3)
  })
})

describe('onClose of an event stream', () => {
  it('notifies each listener once, at once if it is over, unless it was stopped', () => {
    const response = new HeldResponse()
    const socket = sseSocket(response)
    const reported: string[] = []
    socket.onClose(() => reported.push('first'))
    socket.onClose(() => reported.push('stopped'))()

    response.emit('finish')
    response.emit('close')
    socket.onClose(() => reported.push('late'))()

    expect(reported).toEqual(['first', 'late'])
  })

  it('makes a manager remove the connection, whatever its host does afterwards', async () => {
    const { manager, reasons, add } = managing()
    const response = new HeldResponse()
    const socket = add(response)
    const [connection] = manager.connections()
    const removed = socket.closed.then(() => connection?.remove({ close: false }))

    response.emit('close')

    expect(manager.connectionCount).toBe(0)
    expect(await removed).toBe(false)
    expect(reasons).toEqual(['peer-closed'])
  })
})

/** Sends a comment, and lets some turns of the event loop pass. */
async function comment(socket: SseSocket): Promise<void> {
  socket.comment()
  for (let i = 0; i < 3; i++) await turn()
}

describe('the comments of an event stream', () => {
  it('end a web stream that nobody reads, at the second comment', async () => {
    const { manager, reasons, add } = managing()
    const { writable } = new TransformStream<Uint8Array, Uint8Array>()
    const socket = add(writable.getWriter())

    socket.comment()
    await turn()
    await turn()
    expect(manager.connectionCount).toBe(1)
    socket.comment()
    await socket.closed

    expect(reasons).toEqual(['peer-closed'])
  })

  it('do not end it within one turn of the event loop, however many there are', async () => {
    const { writable } = new TransformStream<Uint8Array, Uint8Array>()
    const socket = sseSocket(writable.getWriter())

    for (let i = 0; i < 10; i++) socket.comment()

    expect(socket.readyState).toBe(1)
  })

  it('end a Node response that has sent nothing from the start, at the second comment', async () => {
    const response = new HeldResponse()
    const socket = sseSocket(response)

    await comment(socket)
    expect(socket.readyState).toBe(1)
    await comment(socket)

    expect([socket.readyState, response.destroyed]).toEqual([3, true])
  })

  it('end a stream that was read before, if a comment is buffered and no byte was sent for a minute', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const reads: (() => void)[] = []
    const write = (): Promise<void> => new Promise((resolve) => reads.push(resolve))
    const socket = sseSocket({ closed: new Promise(() => {}), write, close: async () => {}, abort: async () => {} })
    void socket.send('welcome')
    reads.shift()?.()
    await turn()

    await comment(socket)
    vi.advanceTimersByTime(59_999)
    await comment(socket)
    expect(socket.readyState).toBe(1)
    vi.advanceTimersByTime(1)
    await comment(socket)

    expect(socket.readyState).toBe(3)
  })

  it('do not end it if its reader has read bytes in between, even if no comment was sent', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const reader = readable.getReader()
    const socket = sseSocket(writable.getWriter())
    void socket.send('x'.repeat(300_000)) // one write, which leaves in pieces

    for (let i = 0; i < 4; i++) {
      await comment(socket)
      await reader.read()
      await turn()
      vi.advanceTimersByTime(60_000)
    }

    expect(socket.bufferedAmount).toBeGreaterThan(0)
    expect(socket.readyState).toBe(1)
  })

  it('do not end it if its comments have been sent, whatever was buffered since', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const response = new HeldResponse()
    const socket = sseSocket(response)

    socket.comment()
    response.leave()
    void socket.send('stuck')
    await turn()
    vi.advanceTimersByTime(60_000)
    await comment(socket)

    expect(socket.readyState).toBe(1)
  })

  it('do not end a Node response while it still sends bytes', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const response = new HeldResponse()
    const socket = sseSocket(response)
    for (let i = 0; i < 5; i++) void socket.send('a')

    for (let i = 0; i < 4; i++) {
      await comment(socket)
      response.leave()
      vi.advanceTimersByTime(60_000)
    }
    await comment(socket)
    expect(socket.readyState).toBe(1)
    vi.advanceTimersByTime(60_000)
    await comment(socket)

    expect(socket.readyState).toBe(3)
  })

  it.each<[what: string, handleOf: (queue: { writeQueueSize: number }) => object]>([
    ['on a TCP socket', (queue) => queue],
    ['below a TLS socket', (queue) => ({ writeQueueSize: 0, _parent: queue })],
  ])('do not end it while the system takes a large write piece by piece, %s', async (_what, handleOf) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const response = new HeldResponse()
    const queue = { writeQueueSize: 1_000_000 }
    const tcp = { destroyed: false, bytesWritten: 1_000_000, writableLength: 1_000_000, _handle: handleOf(queue) }
    response.req = { method: 'GET', socket: tcp }
    const socket = sseSocket(response)
    void socket.send('x'.repeat(1_000_000))

    for (let i = 0; i < 3; i++) {
      await comment(socket)
      queue.writeQueueSize -= 1_000
      vi.advanceTimersByTime(60_000)
    }
    await comment(socket)

    expect(socket.readyState).toBe(1)
  })

  it('do nothing while it is closing', async () => {
    const response = new HeldResponse()
    const socket = sseSocket(response)
    socket.comment()
    await turn()
    await turn()

    void socket.close()
    socket.comment()

    expect([socket.readyState, response.destroyed]).toEqual([2, false])
  })
})

describe('an id beyond ASCII', () => {
  it('is returned in Last-Event-ID as UTF-8, which Node reads as Latin-1', async () => {
    const server = createServer((request, response) => {
      response.end(Buffer.from(String(request.headers['last-event-id']), 'latin1').toString())
    })
    const tcp = connect(await portOf(server), '127.0.0.1').setEncoding('utf8')
    closers.push(() => tcp.destroy())

    tcp.write(`GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nlast-event-id: BTC/€:7\r\n\r\n`)
    let received = ''
    for await (const text of tcp) received += String(text)

    expect(received).toContain('BTC/€:7')
    expect(() => new Headers({ 'last-event-id': 'BTC/€:7' })).toThrow(TypeError)
  })
})
