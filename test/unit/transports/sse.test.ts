import { EventEmitter, once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server, constants } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { ConnectionManager, createStreamMessage, defineStreams } from '../../../src/index.ts'
import { sseHeaders, sseSocket, sseTransport } from '../../../src/transports/sse.ts'
import type { SseOptions, SseSocket, SseTarget } from '../../../src/transports/sse.ts'
import { expectCode } from '../../support/errors.ts'
import { closeAll, closers, portOf } from '../../support/loopback.ts'

interface ReceivedEvent {
  readonly event: string
  readonly data: string
  readonly id: string
}

/** Parses an event stream as a client does: HTML, 9.2.6. Written from the standard, independently of the code under test. */
function parseEventStream(text: string): { events: ReceivedEvent[]; retry: number | undefined } {
  const events: ReceivedEvent[] = []
  let [data, event, id] = ['', '', '']
  let retry: number | undefined
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  lines.pop() // A line without a line end is incomplete.
  for (const line of lines) {
    if (line === '') {
      if (data !== '') events.push({ event: event || 'message', data: data.slice(0, -1), id })
      data = event = ''
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data += `${value}\n`
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) retry = Number(value)
  }
  return { events, retry }
}

/** A scripted Node response. */
class ScriptedResponse extends EventEmitter {
  readonly chunks: Uint8Array[] = []
  readonly flushes: (() => void)[] = []
  writableLength = 0
  writableEnded = false
  writableFinished = false
  destroyed = false
  destroyCalls = 0
  endCalls = 0

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  write(chunk: Uint8Array, flushed: () => void): boolean {
    this.chunks.push(chunk)
    this.flushes.push(flushed)
    this.writableLength += chunk.length
    return true
  }

  end(): void {
    this.endCalls++
    this.writableEnded = true
  }

  destroy(): void {
    this.destroyCalls++
    this.destroyed = true
  }

  /** Lets the written bytes leave, below the high-water mark: without a `drain`. */
  flush(): void {
    this.writableLength = 0
    for (const flushed of this.flushes.splice(0)) flushed()
  }
}

function scripted() {
  const response = new ScriptedResponse()
  return { response, socket: sseSocket(response) }
}

/** The writer of a stream that ends when the test says so, and records all other calls. */
function scriptedWriter() {
  const calls: string[] = []
  let end = (): void => {}
  let fail = (_error: Error): void => {}
  const closed = new Promise<void>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  const recorded = (call: string) => async () => void calls.push(call)
  return { writer: { closed, write: recorded('write'), close: recorded('close'), abort: recorded('abort') }, calls, end, fail }
}

/** A stream that transfers the memory of each chunk, as byte streams do. */
function thatTransfers() {
  let text = ''
  const stream = new WritableStream<Uint8Array<ArrayBuffer>>({
    write(chunk) {
      text += new TextDecoder().decode(structuredClone(chunk, { transfer: [chunk.buffer] }))
    },
  })
  return { socket: sseSocket(stream.getWriter()), text: () => text }
}

async function settledOf(answer: unknown): Promise<'kept' | 'rejected'> {
  return Promise.resolve(answer).then(
    () => 'kept' as const,
    () => 'rejected' as const,
  )
}

async function outcomeOf(call: () => unknown): Promise<'kept' | 'rejected' | 'thrown'> {
  try {
    return await settledOf(call())
  } catch {
    return 'thrown'
  }
}

/** One response, and its client, which reads nothing until it is called. */
interface Exchange {
  readonly target: SseTarget
  /** Reads until the response is over, or returns the part that was read before it broke off. */
  readonly readAll: () => Promise<string>
  /** Disconnects the client, over HTTP/2 with this code. */
  readonly leave: (code?: number) => void
}

afterEach(closeAll)

async function readAllOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      text += decoder.decode(read.value, { stream: true })
    }
  } catch {
    // The text so far is the result.
  }
  return text
}

async function http1(): Promise<Exchange> {
  const server = createServer()
  const requested = once(server, 'request') as Promise<[unknown, ServerResponse]>
  const port = await portOf(server)
  const client = new AbortController()
  const answered = fetch(`http://127.0.0.1:${port}/`, { signal: client.signal })
  const [, response] = await requested
  response.writeHead(200, sseHeaders).flushHeaders()
  const { body } = await answered
  const reader = body!.getReader()
  closers.push(() => server.closeAllConnections())
  return { target: response, readAll: () => readAllOf(reader), leave: () => client.abort() }
}

async function http2(event: 'request' | 'stream'): Promise<Exchange> {
  const server = createHttp2Server()
  const requested = once(server, event)
  const session = connect(`http://127.0.0.1:${await portOf(server)}`)
  closers.push(() => session.destroy())
  const client = session.request({ ':path': '/' })
  client.on('error', () => {})
  const [first, second] = await requested
  if (event === 'stream') first.respond({ ':status': 200, ...sseHeaders })
  else second.writeHead(200, sseHeaders).flushHeaders()
  await once(client, 'response')
  return {
    target: event === 'stream' ? first : second,
    readAll: async () => {
      let text = ''
      client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      await once(client, 'close')
      return text
    },
    leave: (code = constants.NGHTTP2_CANCEL) => client.close(code),
  }
}

async function webStream(): Promise<Exchange> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const reader = readable.getReader()
  return { target: writable.getWriter(), readAll: () => readAllOf(reader), leave: () => void reader.cancel() }
}

describe.each<[name: string, open: () => Promise<Exchange>]>([
  ['a response of node:http', http1],
  ['a response of node:http2', () => http2('request')],
  ['a stream of node:http2', () => http2('stream')],
  ['the writer of a web stream', webStream],
])('sseSocket of %s', (_name, open) => {
  it('delivers all events to the client in order before it closes', async () => {
    const { target, readAll } = await open()
    const socket = sseSocket(target)

    const received = readAll()
    for (const text of ['first', 'second\nof two lines', 'dritte: ü €']) void socket.send(text)
    await socket.close()

    const { events } = parseEventStream(await received)
    expect(events.map(({ data }) => data)).toEqual(['first', 'second\nof two lines', 'dritte: ü €'])
  })

  it('does nothing on a second close, or on a terminate after that', async () => {
    const { target, readAll } = await open()
    const socket = sseSocket(target)
    const received = readAll()

    await socket.close()
    await socket.close()
    socket.terminate()

    expect(await received).toBe('')
    expect(await outcomeOf(() => socket.send('late'))).toBe('thrown')
  })

  it('resolves closed when the client has gone, and accepts nothing afterwards', async () => {
    const { target, leave } = await open()
    const socket = sseSocket(target)

    leave()
    await socket.closed

    expect(await outcomeOf(() => socket.send('late'))).not.toBe('kept')
    expect(await outcomeOf(() => socket.comment())).toBe('kept')
    expect(await outcomeOf(() => socket.close())).toBe('kept')
  })

  it('accepts nothing if the client had gone before the socket was made', async () => {
    const { target, leave } = await open()
    const first = sseSocket(target)
    leave()
    await first.closed

    const socket = sseSocket(target)

    await socket.closed
    expect(await outcomeOf(() => socket.send('late'))).not.toBe('kept')
  })

  it('reads the buffered bytes of an unread response, and reports a drain when they have been sent', async () => {
    const { target, readAll } = await open()
    const socket = sseSocket(target)

    while (socket.bufferedAmount < 1_000_000) void socket.send('x'.repeat(65_536))
    const drained = new Promise<void>((resolve) => socket.onDrain(() => socket.bufferedAmount === 0 && resolve()))
    const received = readAll()
    await drained

    await socket.close()
    const { events } = parseEventStream(await received)
    expect(events.length).toBeGreaterThan(15)
    expect(events.every(({ data }) => data.length === 65_536)).toBe(true)
  })

  it('reports a drain after writes that are too small for a high-water mark', async () => {
    const { target, readAll } = await open()
    const socket = sseSocket(target)

    void socket.send('small')
    const drained = new Promise<void>((resolve) => socket.onDrain(() => socket.bufferedAmount === 0 && resolve()))
    const received = readAll()
    await drained

    await socket.close()
    expect(parseEventStream(await received).events).toHaveLength(1)
  })

  it('discards buffered data of a stuck client when it is terminated, even while closing', async () => {
    const { target, readAll } = await open()
    const socket = sseSocket(target)
    while (socket.bufferedAmount < 10_000_000) void socket.send('x'.repeat(1_000_000))
    let isClosed = false
    void socket.close().then(() => (isClosed = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)

    socket.terminate()
    await socket.closed

    expect((await readAll()).length).toBeLessThan(10_000_000)
  })
})

describe.each(['request', 'stream'] as const)('sseSocket of a %s of node:http2', (event) => {
  it('ends if its client resets the stream without an error while much is buffered', async () => {
    const { target, leave } = await http2(event)
    const socket = sseSocket(target)
    for (let i = 0; i < 200; i++) void socket.send('x'.repeat(1_000))

    leave(constants.NGHTTP2_NO_ERROR)
    await socket.closed

    expect(() => socket.send('too late')).toThrow()
  })
})

describe('sseSocket', () => {
  it.each([
    ['{"bid":"64000.10"}', '{"bid":"64000.10"}'],
    ['a\nb', 'a\nb'],
    ['a\r\nb', 'a\nb'],
    ['a\rb', 'a\nb'],
    ['a\n\r\n\rb', 'a\n\n\nb'],
    ['a\n\nevent: forged\ndata: b', 'a\n\nevent: forged\ndata: b'],
    ['ends with a line\n', 'ends with a line\n'],
    ['\r\nbegins with one', '\nbegins with one'],
    [' begins with spaces', ' begins with spaces'],
    [': looks like a comment', ': looks like a comment'],
    ['', ''],
    ['\uFEFFü €\u2028😀\0', '\uFEFFü €\u2028😀\0'],
  ])('sends %j, which arrives as %j', (sent, arrives) => {
    const { response, socket } = scripted()

    void socket.send(sent)
    void socket.send('the next')

    expect(parseEventStream(response.text).events.map(({ data }) => data)).toEqual([arrives, 'the next'])
  })

  it('sends the type and the id of an event, and no type for the next one', () => {
    const { response, socket } = scripted()

    void socket.send('a', { event: 'fill', id: '7:1' })
    void socket.send('b')
    void socket.send('c', { id: '' })

    expect(parseEventStream(response.text).events).toEqual([
      { event: 'fill', id: '7:1', data: 'a' },
      { event: 'message', id: '7:1', data: 'b' },
      { event: 'message', id: '', data: 'c' },
    ])
  })

  it.each([
    { id: '1\ndata: forged' },
    { id: '1\r' },
    { id: '1\0' },
    { id: 1 as never },
    { event: 'a\nb' },
    { event: 'a\rb' },
    { event: null as never },
  ])('refuses %j, which an event stream cannot contain', (fields) => {
    const { response, socket } = scripted()

    expectCode('ERR_INVALID_ARGUMENT', () => socket.send('a', fields))

    expect(response.chunks).toEqual([])
  })

  it.each([
    ['an unknown field', { id: '1', retry: 1_000 }],
    ['a misspelt field', { evnt: 'fill' }],
    ['a Map', new Map([['id', '1']])],
    ['a text', 'fill'],
    ['null', null],
  ])('refuses %s as the fields of an event', (_what, fields) => {
    const { response, socket } = scripted()

    expectCode('ERR_INVALID_ARGUMENT', () => socket.send('a', fields as never))

    expect(response.chunks).toEqual([])
  })

  it('sends comments that clients ignore', () => {
    const { response, socket } = scripted()

    socket.comment()
    socket.comment('of\ntwo lines\r\ndata: or three\n')
    void socket.send('an event')

    expect(response.text).toBe(': \n: of\n: two lines\n: data: or three\n: \ndata: an event\n\n')
    expect(parseEventStream(response.text).events.map(({ data }) => data)).toEqual(['an event'])
  })

  it.each([0, 1_500])('tells the client to reconnect after %i ms', (ms) => {
    const { response, socket } = scripted()

    socket.retry(ms)

    expect(parseEventStream(response.text).retry).toBe(ms)
  })

  it('writes a blank line after each event and nowhere else, so that clients see no other events', () => {
    const { response, socket } = scripted()

    socket.retry(1_000)
    socket.comment('alive')
    void socket.send('a', { event: 'fill' })
    socket.comment()
    socket.retry(2_000)
    socket.comment()
    void socket.send('b')

    const blocks = response.text.split('\n\n')
    expect(blocks).toHaveLength(3)
    expect(blocks[2]).toBe('')
    expect(blocks.every((block, i) => i === 2 || /^data: /m.test(block))).toBe(true)
    expect(parseEventStream(response.text)).toEqual({
      events: [{ event: 'fill', id: '', data: 'a' }, { event: 'message', id: '', data: 'b' }],
      retry: 2_000,
    })
  })

  it('sends comments and the reconnect time to a web stream, too', async () => {
    const { socket, text } = thatTransfers()

    socket.comment('alive')
    socket.retry(1_500)
    await socket.close()

    expect(text()).toBe(': alive\nretry: 1500\n')
  })

  it.each([-1, 1.5, NaN, Infinity, '3' as never])('refuses %s as a reconnect time', (ms) => {
    const { response, socket } = scripted()

    expectCode('ERR_INVALID_ARGUMENT', () => socket.retry(ms))

    expect(response.chunks).toEqual([])
  })

  it.each<[what: string, target: unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'text'],
    ['an event emitter', new EventEmitter()],
    ['half a writer', { write() {}, close() {} }],
  ])('refuses %s as a response', (_what, target) => {
    expectCode('ERR_INVALID_ARGUMENT', () => sseSocket(target as never))
  })

  it("includes the host's own writes in its buffer, and reports when they have left", () => {
    const { response, socket } = scripted()
    const reported: number[] = []
    socket.onDrain(() => reported.push(socket.bufferedAmount))

    response.writableLength = 100_000
    expect(socket.bufferedAmount).toBe(100_000)
    response.writableLength = 0
    response.emit('drain')

    expect(reported).toEqual([0])
  })

  it('reports a drain once to each listener that was not stopped', () => {
    const { response, socket } = scripted()
    const reported: string[] = []
    const listener = () => void reported.push('twice')
    const stopSelf = socket.onDrain(() => {
      reported.push('once')
      stopSelf()
      socket.onDrain(listener)
    })
    const stop = socket.onDrain(listener)
    socket.onDrain(() => reported.push('always'))

    void socket.send('a')
    response.flush()
    stop()
    stop()
    void socket.send('b')
    response.flush()

    expect(reported).toEqual(['once', 'twice', 'always', 'always', 'twice'])
  })

  it('notifies drain listeners of the end, too', async () => {
    const { response, socket } = scripted()
    let reported = 0
    socket.onDrain(() => reported++)

    response.emit('close')
    await socket.closed

    expect(reported).toBe(1)
  })

  it.each(['destroyed', 'writableEnded'] as const)('throws if the response is %s, even before an event reports that', (state) => {
    const { response, socket } = scripted()
    response[state] = true

    expect(() => socket.send('a')).toThrow('The response is over')
    socket.comment()

    expect(response.chunks).toEqual([])
  })

  it('tolerates an error of the response, and throws it as the cause of later sends', async () => {
    const { response, socket } = scripted()
    const cause = new Error('ECONNRESET')

    response.emit('error', cause)
    response.emit('close')
    await socket.closed

    expect(() => socket.send('a')).toThrow(expect.objectContaining({ cause }))
  })

  it('does not destroy the TCP connection after its response has finished, since the next request may use it', async () => {
    const { response, socket } = scripted()
    void socket.close()
    response.emit('finish')
    await socket.closed

    socket.terminate()

    expect(response.destroyCalls).toBe(0)
  })

  it('throws without a cause if it ended without an error', () => {
    const { response, socket } = scripted()

    response.emit('close')

    expect(() => socket.send('a')).toThrow(expect.not.objectContaining({ cause: undefined }))
  })

  it('closes and aborts the writer of a web stream only once each', async () => {
    const { writer, calls, end } = scriptedWriter()
    const socket = sseSocket(writer)

    void socket.close()
    void socket.close()
    expect(calls).toEqual(['close'])
    socket.terminate()
    socket.terminate()
    await socket.closed

    expect(calls).toEqual(['close', 'abort'])
    end()
  })

  it('does nothing to the writer of a web stream that has ended', async () => {
    const { writer, calls, end } = scriptedWriter()
    const socket = sseSocket(writer)

    end()
    await socket.closed
    socket.terminate()
    await socket.close()

    expect(calls).toEqual([])
  })

  it('ends once: an error after a termination is neither reported nor the cause of later errors', async () => {
    const { writer, fail } = scriptedWriter()
    const socket = sseSocket(writer)
    let reported = 0
    socket.onDrain(() => reported++)

    socket.terminate()
    fail(new Error('the stream was aborted'))
    await new Promise((resolve) => setImmediate(resolve))

    const cause = expect.objectContaining({ message: 'The connection was terminated' })
    expect(() => socket.send('a')).toThrow(expect.objectContaining({ cause }))
    expect(reported).toBe(1)
  })

  it('waits on close for a response that the host has ended', async () => {
    const { response, socket } = scripted()
    response.end()
    let isClosed = false

    const closed = socket.close().then(() => (isClosed = true))
    await Promise.resolve()
    expect(isClosed).toBe(false)
    response.emit('finish')
    await closed

    expect(response.endCalls).toBe(1)
  })

  it('rejects a send if a web stream fails to write, and throws on later sends with that error as the cause', async () => {
    const failing = new WritableStream({ write: () => Promise.reject(new Error('disk full')) })
    const socket = sseSocket(failing.getWriter())

    void socket.send('nobody looks at this one')
    expect(await outcomeOf(() => socket.send('a'))).toBe('rejected')
    await socket.closed

    const cause = expect.objectContaining({ message: 'disk full' })
    expect(() => socket.send('b')).toThrow(expect.objectContaining({ cause }))
    expect(socket.bufferedAmount).toBe(0)
    expect(await outcomeOf(() => socket.close())).toBe('kept')
  })

  it('sends nothing more to a web stream that is closing', async () => {
    let written = 0
    const stream = new WritableStream({ write: () => void written++ })
    const socket = sseSocket(stream.getWriter())

    void socket.close()
    socket.comment()
    expect(() => socket.send('late')).toThrow('The response is over')
    await socket.close()

    expect(written).toBe(0)
  })

  it('notifies drain listeners if the reader of a web stream has gone', async () => {
    const { target, leave } = await webStream()
    const socket = sseSocket(target)
    let reported = 0
    socket.onDrain(() => reported++)

    leave()
    await socket.closed

    expect(reported).toBe(1)
  })

  it('resolves a close even if the web stream fails to close', async () => {
    const failing = new WritableStream({ close: () => Promise.reject(new Error('disk full')) })
    const socket = sseSocket(failing.getWriter())

    expect(await outcomeOf(() => socket.close())).toBe('kept')
  })

  it('works as the socket of a manager', async () => {
    const { target, readAll } = await http1()
    const manager = new ConnectionManager<SseSocket>()
    const connection = manager.addConnection('c1', sseSocket(target), 'alice')
    connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })

    const received = readAll()
    const { sent } = manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 } })
    const report = await manager.cleanup()

    const { events } = parseEventStream(await received)
    expect(sent).toBe(1)
    expect(report).toEqual({ closed: 1, failed: 0, timedOut: 0 })
    expect(events.map(({ data }) => JSON.parse(data))).toMatchObject([{ stream_type: 'PRICE', data: { bid: 1 } }])
  })
})

describe('sseTransport', () => {
  const message = createStreamMessage({ streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT', userId: 'alice', data: { seq: 7 } })
  const seqOf = (data: unknown) => String((data as { seq: number }).seq)

  it('writes the messages of one tick as one write', () => {
    const transport = sseTransport()
    const { response, socket } = scripted()

    const frames = ['a', 'b\nb', 'c'].map((text) => transport.frame!(text, message))
    transport.write!(socket, frames)

    expect(response.chunks).toHaveLength(1)
    expect(parseEventStream(response.text).events.map(({ data }) => data)).toEqual(['a', 'b\nb', 'c'])
  })

  it('shares one frame between all sockets of Node', () => {
    const transport = sseTransport()
    const [one, other] = [scripted(), scripted()]

    const frame = transport.frame!('a', message)
    transport.write!(one.socket, [frame])
    transport.write!(other.socket, [frame])

    expect(one.response.chunks[0]).toBe(frame.bytes)
    expect(other.response.chunks[0]).toBe(frame.bytes)
  })

  it('gives each web stream its own copy of a frame, because the stream may transfer the copy', async () => {
    const transport = sseTransport()
    const [one, other] = [thatTransfers(), thatTransfers()]

    const frame = transport.frame!('a', message)
    for (const { socket } of [one, other]) transport.write!(socket, [frame])
    await Promise.all([one.socket.close(), other.socket.close()])

    expect([one.text(), other.text()]).toEqual(['data: a\n\n', 'data: a\n\n'])
  })

  it('sets the type and the id of the events of messages', () => {
    const transport = sseTransport({ id: ({ data }) => seqOf(data), event: ({ streamType }) => streamType })
    const { response, socket } = scripted()

    transport.write!(socket, [transport.frame!('a', message)])

    expect(parseEventStream(response.text).events).toEqual([{ event: 'ORDER_UPDATES', id: '7', data: 'a' }])
  })

  it('passes the message and its text to the id and event functions', () => {
    const asked: unknown[][] = []
    const ask = (...question: unknown[]) => void asked.push(question)
    const transport = sseTransport({ id: ask as never, event: ask as never })

    transport.frame!('the text', message)

    expect(asked).toEqual([[message, 'the text'], [message, 'the text']])
  })

  it('does not call the id and event functions for a text without a message', () => {
    const ask = (): string => { throw new Error('asked') }
    const transport = sseTransport({ id: ask, event: ask })

    const frame = transport.frame!('welcome', undefined as never)

    expect(new TextDecoder().decode(frame.bytes)).toBe('data: welcome\n\n')
  })

  it('omits id and type if the functions return undefined', () => {
    const transport = sseTransport({ id: () => undefined, event: undefined })

    expect(new TextDecoder().decode(transport.frame!('a', message).bytes)).toBe('data: a\n\n')
  })

  it('gives each response ids of its own, also the texts without a message, and shares the events', () => {
    const transport = sseTransport({
      idsOf: () => {
        let count = 0
        return (text) => (text === 'unnumbered' ? undefined : `${++count} ${text}`)
      },
    })
    const [one, other] = [scripted(), scripted()]
    const [first, second, third] = [transport.frame!('a', message), transport.frame!('unnumbered', undefined), transport.frame!('b', undefined)]

    transport.write!(one.socket, [first])
    transport.write!(one.socket, [second, third])
    transport.write!(other.socket, [third])

    expect(one.response.chunks).toHaveLength(2)
    expect(one.response.text).toBe('id: 1 a\ndata: a\n\ndata: unnumbered\n\nid: 2 b\ndata: b\n\n')
    expect(other.response.text).toBe('id: 1 b\ndata: b\n\n')
  })

  it('asks idsOf once for each response, as a method of the options', () => {
    const asked: unknown[] = []
    const options = {
      idsOf(socket: SseSocket) {
        asked.push(this, socket)
        return () => undefined
      },
    }
    const transport = sseTransport(options)
    const { response, socket } = scripted()

    for (const text of ['a', 'b']) transport.write!(socket, [transport.frame!(text, message)])

    expect(asked).toEqual([options, socket])
    expect(response.text).toBe('data: a\n\ndata: b\n\n')
  })

  it('refuses an id of a response that has a line end, so that its connection is removed', async () => {
    const { socket } = scripted()
    const manager = new ConnectionManager<SseSocket>({ transport: sseTransport({ idsOf: () => () => '1\n2' }) })
    const removed: string[] = []
    manager.on('connectionRemoved', ({ reason }) => removed.push(reason))

    manager.addConnection('c1', socket, 'alice').send('a')
    await new Promise(setImmediate)

    expect(removed).toEqual(['send-failed'])
  })

  it('refuses id and idsOf together', () => {
    const error = expectCode('ERR_INVALID_OPTION', () => sseTransport({ id: () => '1', idsOf: () => () => '1' }))

    expect(error['option']).toBe('idsOf')
  })

  it.each<[what: string, options: SseOptions]>([
    ['id has a line end', { id: () => '1\n2' }],
    ['id is not a string', { id: () => 1 as never }],
    ['type has a line end', { event: () => '1\r2' }],
  ])('refuses to frame a message whose %s', (_what, options) => {
    const transport = sseTransport(options)

    expectCode('ERR_INVALID_ARGUMENT', () => transport.frame!('a', message))
  })

  it.each([{ id: 'seq' }, { idsOf: 'seq' }, { event: null }, { retry: 1_000 }, { data: () => 'a' }])('refuses the options %j', (options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => sseTransport(options as never))

    expect(error['option']).toBe(Object.keys(options)[0])
  })

  it.each([null, 5, 'id'])('refuses %j as options', (options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => sseTransport(options as never))

    expect(error['option']).toBe('options')
  })

  it('delegates pressure, drains, close and terminate to the socket', async () => {
    const transport = sseTransport()
    const { response, socket } = scripted()
    let reported = 0

    const stop = transport.onDrain!(socket, () => reported++)
    transport.write!(socket, [transport.frame!('a', message)])
    expect(transport.bufferedBytes!(socket)).toBe(9)
    response.flush()
    expect(reported).toBe(1)
    stop()

    const closed = transport.close!(socket, 'cleanup')
    expect(response.endCalls).toBe(1)
    transport.terminate!(socket)
    expect(response.destroyCalls).toBe(1)
    response.emit('close')
    await closed
    expect(reported).toBe(1)
  })

  it('tells the client as its last event why it is closed, and nothing unless the host says why', async () => {
    const transport = sseTransport()
    const [told, untold] = [scripted(), scripted()]

    void transport.close!(told.socket, 'removed', { code: 4001, reason: 'logged in\nelsewhere' })
    void transport.close!(untold.socket, 'cleanup')

    const data = '{"code":4001,"reason":"logged in\\nelsewhere"}'
    expect(parseEventStream(told.response.text).events).toEqual([{ event: 'close', data, id: '' }])
    expect([told.response.endCalls, untold.response.text, untold.response.endCalls]).toEqual([1, '', 1])
  })

  it('tells the client of a web stream, too, before the stream ends', async () => {
    const { socket, text } = thatTransfers()

    await sseTransport().close!(socket, 'removed', { code: 4001, reason: '' })

    expect(parseEventStream(text()).events).toEqual([{ event: 'close', data: '{"code":4001,"reason":""}', id: '' }])
  })

  it('closes a response that is ending or over without an event', async () => {
    const transport = sseTransport()
    const [ending, over] = [scripted(), scripted()]
    void ending.socket.close()
    over.response.emit('close')

    void transport.close!(ending.socket, 'removed', { code: 4001, reason: '' })
    await transport.close!(over.socket, 'removed', { code: 4001, reason: '' })

    expect([ending.response.text, over.response.text]).toEqual(['', ''])
  })

  it('throws or rejects on a write to a client that has gone', async () => {
    const transport = sseTransport()
    const { target, leave } = await webStream()
    const socket = sseSocket(target)

    leave()

    expect(await outcomeOf(() => transport.write!(socket, [transport.frame!('a', message)]))).toBe('rejected')
  })
})

describe('sseTransport › bytes', () => {
  const STREAM = { streamType: 'PRICE', symbol: 'BTCUSDT' } as const
  const BYTES = Uint8Array.of(1, 2)

  function served(options: SseOptions = {}) {
    const manager = new ConnectionManager<SseSocket>({
      transport: sseTransport(options),
      serializeNotice: ({ type }) => (type === 'gap' ? (BYTES as unknown as string) : type),
    })
    const errors: unknown[] = []
    manager.on('error', ({ stage, error }) => errors.push([stage, String(error)]))
    const clients = ['c1', 'c2', 'c3'].map((id) => {
      const { response, socket } = scripted()
      const connection = manager.addConnection(id, socket, 'alice')
      connection.subscribe(STREAM)
      return { response, connection }
    })
    const flush = (): void => clients.forEach(({ connection }) => void connection.flush())
    return { manager, errors, clients, flush }
  }

  const ERROR = ['transport', 'Error: An event stream carries texts only, got bytes']

  it('count as failed for each client, are reported once, and nothing is written', () => {
    const { manager, errors, clients, flush } = served()

    const { matched, failed, sent } = manager.publish(STREAM, { text: BYTES as unknown as string })
    flush()

    expect({ matched, failed, sent }).toEqual({ matched: 3, failed: 3, sent: 0 })
    expect(errors).toEqual([ERROR])
    for (const { response, connection } of clients) expect([response.text, connection.removed]).toEqual(['', false])
  })

  it('do not hold up the texts before and after them, in the same turn', () => {
    const { manager, clients, flush } = served()

    for (const text of ['a', BYTES as unknown as string, 'b']) manager.publish(STREAM, { text })
    flush()

    for (const { response } of clients) expect(response.text).toBe('data: a\n\ndata: b\n\n')
  })

  it('have no id and no type', () => {
    const asked: unknown[] = []
    const { manager } = served({ id: (_message, text) => void asked.push(text) as undefined, event: (_message, text) => void asked.push(text) as undefined })

    manager.publish(STREAM, { text: BYTES as unknown as string })

    expect(asked).toEqual([])
  })

  it('count as failed for connection.send and for a gap notice of the host, and the clients stay', () => {
    const { manager, errors, clients, flush } = served()

    const { failed } = clients[0]?.connection.send(BYTES) ?? {}
    manager.notifyGap(STREAM, 7)
    flush()

    expect(failed).toBe(1)
    expect(errors).toEqual([ERROR, ERROR])
    for (const { response, connection } of clients) expect([response.text, connection.removed]).toEqual(['', false])
  })
})

describe('sseTransport › bytes as a gap notice of dropped messages', () => {
  it('end the connection, because its client would not learn that messages are missing', () => {
    const streams = defineStreams({ TICKS: { audience: 'public', overflow: 'drop' } })
    const manager = new ConnectionManager<SseSocket, typeof streams>({
      streams,
      transport: sseTransport(),
      serializeNotice: () => Uint8Array.of(1) as unknown as string,
      delivery: { hardLimitBytes: 300, softLimitBytes: 0 },
    })
    const { response, socket } = scripted()
    const connection = manager.addConnection('c', socket, 'alice')
    connection.subscribe({ streamType: 'TICKS', symbol: 'A' })
    const errors: unknown[] = []
    manager.on('error', ({ stage }) => errors.push(stage))
    response.writableLength = 1_000

    for (const data of [1, 2, 3, 4, 5]) manager.publish({ streamType: 'TICKS', symbol: 'A', data })
    response.flush()
    connection.drained()

    expect([connection.removed, errors, response.text]).toEqual([true, ['transport', 'send'], ''])
  })
})

describe('sseSocket › bytes', () => {
  it('are refused without sseTransport, so that the connection ends', () => {
    const { response, socket } = scripted()

    expect(() => void socket.send(Uint8Array.of(1) as unknown as string)).toThrow()
    expect(response.text).toBe('')
  })
})

describe('sseHeaders', () => {
  it('make a response an uncached, untransformed and unbuffered event stream', () => {
    expect(new Response('', { headers: sseHeaders }).headers.get('content-type')).toBe('text/event-stream')
    expect(sseHeaders).toMatchObject({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' })
    expect(Object.isFrozen(sseHeaders)).toBe(true)
  })
})
