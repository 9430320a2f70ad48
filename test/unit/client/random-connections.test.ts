import { describe, expect, it } from 'vitest'
import type { Update } from '../../../src/client/index.ts'
import { ConnectionManager, defineStreams, type Connection } from '../../../src/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { Dice } from '../../support/dice.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { settled, worldOf, type Frame, type TestSocket } from '../../support/scripted-server.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'optional' },
  TICKS: { audience: 'public', symbol: 'required', overflow: 'drop' },
})
type Streams = typeof streams
type Name = keyof Streams & string

interface Stream {
  readonly streamType: Name
  readonly symbol?: string
}

const WANTED: readonly Stream[] = [{ streamType: 'TRADES', symbol: 'A' }, { streamType: 'NEWS' }, { streamType: 'NEWS', symbol: 'A' }, { streamType: 'TICKS', symbol: 'A' }]
const PUBLISHED: readonly Stream[] = [{ streamType: 'TRADES', symbol: 'A' }, { streamType: 'NEWS', symbol: 'A' }, { streamType: 'NEWS', symbol: 'B' }, { streamType: 'NEWS' }, { streamType: 'TICKS', symbol: 'A' }]

const HISTORIES = 200
const STEPS = 300

/** What one listener was told, and what it should have been told. */
class Account {
  #owed: number[] = []
  readonly faults: string[] = []
  /** True once the client has heard an answer. What came before an answer that it did not hear is not owed. */
  isConfirmed = false
  #isLive = false
  #last = -1
  /** How many messages of one symbol came too late, or not at all. */
  #late = 0
  /** How many messages the gaps since the last message explain. */
  #explained = 0
  readonly name: string

  constructor({ streamType, symbol }: Stream) {
    this.name = `${streamType}:${symbol ?? ''}`
  }

  /** The server has subscribed the client. */
  begin(): void {
    if (!this.isConfirmed) this.#owed = []
    this.#isLive = true
  }

  publish(data: number): void {
    if (this.#isLive) this.#owed.push(data)
  }

  hear(update: Update<Streams>): void {
    if (update.type === 'gap') this.#explained += update.dropped ?? Infinity
    if (update.type !== undefined) return
    const data = update.data as number
    if (data <= this.#last) this.faults.push(`${this.name}: ${data} came after ${this.#last}`)
    this.#last = data
    const missing = this.#owed.splice(0, this.#owed.indexOf(data) + 1).length - 1
    // The replay of the whole type may come first. What the symbol's own replay brings too late then is told when it comes.
    if (this.name === 'NEWS:A') this.#late += missing
    else if (missing > this.#explained) this.faults.push(`${this.name}: ${missing} are missing before ${data}, and ${this.#explained} were told`)
    if (this.name !== 'NEWS:A') this.#explained = 0
  }

  conclude(): string[] {
    const missing = this.#owed.length + this.#late
    return missing > this.#explained ? [...this.faults, `${this.name}: ${missing} did not come, and ${this.#explained} were told`] : this.faults
  }
}

function indexOf(streamType: unknown, symbol: unknown): number {
  return WANTED.findIndex((wanted) => wanted.streamType === streamType && wanted.symbol === symbol)
}

/** A server with one client, whose connections are cut at any moment. */
async function faultsOf(seed: number): Promise<string[]> {
  const dice = new Dice(seed)
  const world = worldOf<Streams>({ lingerMs: 0, connectTimeoutMs: Infinity, pingMs: Infinity })
  const { client, clock } = world
  const recovery = createRecovery<Streams>({ history: { count: dice.pick([0, 5, 100]) } })
  const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
  const delivery = { hardLimitBytes: 4_000, maxLagMs: Infinity }
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, recorder: recovery, transport, delivery })
  const accounts = WANTED.map((stream) => new Account(stream))
  let server: { readonly fake: FakeSocket; readonly connection: Connection<FakeSocket, Streams>; readonly socket: TestSocket } | undefined
  let count = 0

  const obey = (): void => {
    for (const { command, id, stream_type, symbol, position } of server?.socket.open.splice(0) ?? []) {
      if (command !== 'subscribe' || server === undefined || server.connection.removed) continue
      recovery.subscribe(server.connection, { streamType: stream_type, symbol, position, id } as never)
      accounts[indexOf(stream_type, symbol)]?.begin()
    }
  }
  const read = (share: number): void => {
    server?.connection.flush()
    const sent = server?.fake.sent ?? []
    for (const text of sent.splice(0, Math.ceil(sent.length * share))) server?.socket.receive(JSON.parse(text) as Frame)
  }
  const connect = async (): Promise<void> => {
    if (client.state !== 'waiting' && client.state !== 'connecting') return
    await clock.pass(30_000)
    const { socket } = world
    if (client.state !== 'connecting') return
    const fake = new FakeSocket()
    socket.isAnswering = false
    server = { fake, connection: manager.addConnection(`c${++count}`, fake, 'alice'), socket }
    await world.welcome()
  }
  const cut = async (): Promise<void> => {
    if (server === undefined) return
    void server.connection.remove()
    server.socket.lose()
    server = undefined
    await settled()
  }
  const publish = (): void => {
    const { streamType, symbol } = dice.pick(PUBLISHED)
    const data = ++count
    accounts.forEach((account, i) => {
      const wanted = WANTED[i]
      if (wanted?.streamType === streamType && (wanted.symbol === undefined || wanted.symbol === symbol)) account.publish(data)
    })
    manager.publish({ streamType, symbol, data } as never)
  }

  client.on('subscribed', ({ streamType, symbol }) => {
    const account = accounts[indexOf(streamType, symbol)]
    if (account) account.isConfirmed = true
  })
  WANTED.forEach((stream, i) => client.subscribe(stream as never, (update) => accounts[i]?.hear(update as Update<Streams>)))
  await settled()
  for (let step = 0; step < STEPS; step++) {
    const roll = dice.below(100)
    if (roll < 55) publish()
    else if (roll < 70) read(dice.pick([0.3, 0.7, 1]))
    else if (roll < 80) obey()
    else if (roll < 90) await connect()
    else if (roll < 95) await cut()
    else if (server !== undefined) server.fake.script.write = server.fake.script.write ? undefined : () => 0
  }
  await cut()
  await connect()
  for (let i = 0; i < 3; i++) {
    obey()
    read(1)
    await clock.pass(0)
  }
  client.close()
  return accounts.flatMap((account) => account.conclude())
}

describe('a client, after random histories of connections', () => {
  it(`heard every message once and in order, or a gap in its place, in ${HISTORIES} histories`, async () => {
    const faults: string[] = []
    for (let seed = 1; seed <= HISTORIES; seed++) faults.push(...(await faultsOf(seed)).map((fault) => `seed ${seed}: ${fault}`))

    expect(faults).toEqual([])
  })
})
