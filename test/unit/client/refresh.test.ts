import { describe, expect, it } from 'vitest'
import { createClient, type ClientSocket } from '../../../src/client/index.ts'
import { ConnectionManager, type Connection, type TradingStreams } from '../../../src/index.ts'
import { createCommandServer, type CommandServer } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { ClientTestClock, message, settled, told, worldOf, type Frame, type TestSocket, type World } from '../../support/scripted-server.ts'

const BOOK = { streamType: 'ORDERBOOK', symbol: 'A' } as const
const SNAPSHOT = { position: 'e1:5', recovered: null, snapshot: true }

const book = (place: string, facts: Frame = {}): Frame => message(place, { streamType: 'ORDERBOOK', stream_type: 'ORDERBOOK', ...facts })

/** A client with two listeners of a book, which has its snapshot and one change. */
async function reading(): Promise<World<TradingStreams> & { readonly first: TestSocket; readonly heard: string[]; readonly others: string[]; readonly refresh: () => void; readonly unsubscribe: () => void }> {
  const world = worldOf()
  const heard: string[] = []
  const others: string[] = []
  const { refresh, unsubscribe } = world.client.subscribe(BOOK, (update) => heard.push(...told([update])))
  world.client.subscribe(BOOK, (update) => others.push(...told([update])))
  const first = await world.welcome()
  first.receive(book('e1:1'))
  first.isAnswering = false
  return Object.assign(world, { first, heard, others, refresh, unsubscribe })
}

const SUBSCRIBE = { command: 'subscribe', stream_type: 'ORDERBOOK', symbol: 'A' }
const UNSUBSCRIBE = { ...SUBSCRIBE, command: 'unsubscribe' }

describe('refresh', () => {
  it('asks for the stream anew without a position, so that all listeners get the snapshot', async () => {
    const { client, first, heard, others, refresh } = await reading()
    const answers: unknown[] = []
    client.on('subscribed', ({ recovered }) => answers.push(recovered))

    refresh()
    await settled()
    const asked = first.commands.slice(1)
    first.answerNext()
    first.answerNext(SNAPSHOT)
    first.receive(book('e1:5', { snapshot: true }))
    first.receive(book('e1:6'))

    expect(asked).toEqual([UNSUBSCRIBE, SUBSCRIBE])
    expect(heard).toEqual(['e1:1', 'snapshot e1:5', 'e1:6'])
    expect(others).toEqual(heard)
    expect(answers).toEqual([true])
  })

  it('takes a snapshot that is no newer than what was heard', async () => {
    const { first, heard, refresh } = await reading()

    refresh()
    await settled()
    first.answerNext()
    first.answerNext({ ...SNAPSHOT, position: 'e1:1' })
    first.receive(book('e1:1', { snapshot: true }))

    expect(heard).toEqual(['e1:1', 'snapshot e1:1'])
  })

  it('does not hear what comes before the answer', async () => {
    const { first, heard, refresh } = await reading()

    refresh()
    await settled()
    first.receive(book('e1:2'))
    first.answerNext()
    first.receive(book('e1:3'))
    first.answerNext(SNAPSHOT)

    expect(heard).toEqual(['e1:1'])
  })

  it('tells all listeners a gap if no snapshot follows', async () => {
    const { first, heard, others, refresh } = await reading()

    refresh()
    await settled()
    first.answerNext()
    first.answerNext({ position: 'e1:5', recovered: null })
    first.receive(book('e1:6'))

    expect([heard, others]).toEqual([['e1:1', 'gap ?', 'e1:6'], ['e1:1', 'gap ?', 'e1:6']])
  })

  it('is one question if it is asked several times in a turn', async () => {
    const { first, refresh } = await reading()

    refresh()
    refresh()
    await settled()

    expect(first.commands.slice(1)).toEqual([UNSUBSCRIBE, SUBSCRIBE])
  })

  it('while an answer is open makes a new question, and the old answer is nobody\'s', async () => {
    const { first, heard, refresh, sockets, clock, welcome } = await reading()
    first.lose()
    await clock.pass(500)
    await settled()
    const second = sockets[1] as TestSocket
    second.isAnswering = false
    await welcome()

    refresh()
    await settled()
    second.answerNext() // with the position: recovered
    second.receive(book('e1:2'))
    second.answerNext()
    second.answerNext(SNAPSHOT)
    second.receive(book('e1:5', { snapshot: true }))

    expect(second.commands).toEqual([{ ...SUBSCRIBE, position: 'e1:1' }, UNSUBSCRIBE, SUBSCRIBE])
    expect(heard).toEqual(['e1:1', 'snapshot e1:5'])
  })

  it('without a connection lets the next one begin anew', async () => {
    const { first, heard, refresh, sockets, clock, welcome } = await reading()
    first.lose()

    refresh()
    await clock.pass(500)
    const second = sockets[1] as TestSocket
    second.isAnswering = false
    await welcome()
    second.answerNext(SNAPSHOT)
    second.receive(book('e1:5', { snapshot: true }))

    expect(second.commands).toEqual([SUBSCRIBE])
    expect(heard).toEqual(['e1:1', 'snapshot e1:5'])
  })

  it('tells a gap after the next loss as ever', async () => {
    const { first, heard, refresh, sockets, clock, welcome } = await reading()
    refresh()
    await settled()
    first.answerNext()
    first.answerNext(SNAPSHOT)
    first.receive(book('e1:5', { snapshot: true }))

    first.lose()
    await clock.pass(500)
    const second = sockets[1] as TestSocket
    second.isAnswering = false
    await welcome()
    second.answerNext({ position: 'e2:7', recovered: false, snapshot: true })

    expect(heard).toEqual(['e1:1', 'snapshot e1:5', 'gap ?'])
  })

  it('does nothing once the listener has left, or the subscription is over', async () => {
    const { client, first, refresh, unsubscribe } = await reading()
    const late = client.subscribe(BOOK, () => {})

    unsubscribe()
    refresh()
    first.receive({ type: 'unsubscribed', stream_type: 'ORDERBOOK', symbol: 'A', reason: 'revoked' })
    late.refresh()
    await settled()

    expect(first.commands).toEqual([SUBSCRIBE])
  })

  it('that is refused for now is asked again when its time has come', async () => {
    const { clock, first, heard, refresh } = await reading()

    refresh()
    await settled()
    first.answerNext()
    first.refuseNext({ code: 'ERR_RATE_LIMITED', retry_ms: 1_000 })
    refresh()
    await settled()
    const before = first.commands.length
    await clock.pass(1_250)
    first.answerNext(SNAPSHOT)
    first.receive(book('e1:5', { snapshot: true }))

    expect([before, first.commands.slice(3)]).toEqual([3, [SUBSCRIBE]])
    expect(heard).toEqual(['e1:1', 'snapshot e1:5'])
  })
})

describe('refresh, with the server half of the library', () => {
  it('brings a book that is broken into step again, while the book changes', async () => {
    const clock = new ClientTestClock()
    const levels: Record<string, number> = { '1': 1 }
    const recovery = createRecovery({ snapshot: () => ({ ...levels }) })
    const manager = new ConnectionManager({ recorder: recovery, clock })
    const commands = createCommandServer(manager, { recovery, clock })
    const change = (price: string, size: number): void => {
      levels[price] = size
      manager.publish({ ...BOOK, data: { [price]: size } })
    }
    const client = createClient({ clock, connect: () => connected(manager, commands) })
    let known: Record<string, number> = {}
    const { refresh } = client.subscribe(BOOK, (update) => {
      if (update.type === undefined) known = { ...(update.snapshot ? {} : known), ...(update.data as object) }
    })
    await clock.pass(0)
    change('2', 2)
    await clock.pass(0)

    known = { broken: 0 }
    refresh()
    change('3', 3)
    await clock.pass(0)
    change('4', 4)
    await clock.pass(0)

    expect(known).toEqual({ '1': 1, '2': 2, '3': 3, '4': 4 })
  })
})

/** The client's end of a connection within this process. */
function connected(manager: ConnectionManager, commands: CommandServer): ClientSocket {
  const socket: ClientSocket & { onmessage?(event: object): void } = {
    send: (text) => void Promise.resolve().then(() => commands.open(connection).receive(text)),
    close: () => void connection.remove(),
  }
  let connection: Connection
  void Promise.resolve().then(() => {
    connection = manager.addConnection('c1', { send: (data: string) => void Promise.resolve().then(() => socket.onmessage?.({ data })), close() {} }, 'alice')
    commands.open(connection)
  })
  return socket
}
